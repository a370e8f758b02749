import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose import images, projects
from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.compose.projects import dead_projects, project_name
from loadtests.model.errors import EnvironmentFailure, Interrupted, ProcessFailure
from loadtests.tools import docker, docker_compose, proc
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    IMAGES,
    PLAN,
    FakeEngine,
    Ran,
    all_containers,
    as_engine,
    opened,
    without_watchdog,
)

# -- names -------------------------------------------------------------------------------------


def test_a_project_is_named_after_the_run_the_machine_and_the_process() -> None:
    name = project_name("20260921-101500-00FF")

    assert name.startswith("twofold-20260921-101500-00ff-")
    assert name.endswith(f"-{os.getpid()}")
    assert name == name.lower()


def test_projects_of_dead_processes_of_this_machine_are_found() -> None:
    mine = project_name("a-run")
    dead = mine.rpartition("-")[0] + "-99999999"
    elsewhere = f"twofold-a-run-{'0' * 8}-99999999"
    engine = FakeEngine(projects=((mine, dead, elsewhere, "twofold-test-0123", "shop"),))

    assert dead_projects(as_engine(engine)) == (dead,)


# -- surely down again -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"up": ProcessFailure("up failed", output="no such image")},
        {"up": Interrupted(2)},
        {"down": ProcessFailure("did not end in 120 s")},
    ],
)
def test_a_stack_comes_down_when_compose_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trouble: dict[str, BaseException]
) -> None:
    engine, ran = FakeEngine(), Ran(**trouble)

    with (
        pytest.raises((EnvironmentFailure, Interrupted, KeyError)),
        opened(monkeypatch, engine, ran, tmp_path),
    ):
        raise KeyError

    assert ran.words[-1] == "down"
    assert engine.removed == [project_name(tmp_path.name)]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), EnvironmentFailure("gone")])
def test_a_stack_comes_down_where_its_logs_cannot_be_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    engine = FakeEngine(*all_containers())
    engine.log_error = error

    with opened(monkeypatch, engine, Ran(), tmp_path):
        pass

    assert engine.removed == [project_name(tmp_path.name)]


def test_a_stack_comes_down_where_nobody_listens_any_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(docker, "Engine", lambda: engine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(images, "build_all", lambda *_, **__: IMAGES)
    monkeypatch.setattr(proc, "run", Ran())
    without_watchdog(monkeypatch)

    def closed(_: str) -> None:
        raise BrokenPipeError

    with (
        pytest.raises(BrokenPipeError),
        ComposeBackend(CHECKOUT).open(PLAN, tmp_path, closed),
    ):
        pytest.fail("it went up")

    assert engine.removed == [project_name(tmp_path.name)]


def test_what_the_engine_still_creates_is_removed_until_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = project_name(tmp_path.name)
    engine = FakeEngine(projects=((), (mine,), (mine,), ()))
    engine.refusals = 1

    with opened(monkeypatch, engine, Ran(), tmp_path):
        pass

    assert engine.removed == [mine] * 3


def test_what_cannot_be_removed_is_told_with_the_engines_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine()
    engine.refusals = 10**9
    monkeypatch.setattr(projects, "GONE_LIMIT_S", 0.01)

    with (
        pytest.raises(EnvironmentFailure, match=r"still there\. The engine did not .*twofold down"),
        opened(monkeypatch, engine, Ran(), tmp_path),
    ):
        pass


def test_a_stack_of_an_engine_that_hangs_is_left_to_the_watchdog_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, ran = FakeEngine(*all_containers()), Ran()

    with (
        pytest.raises(EnvironmentFailure, match=r"does not answer.*goes on trying.*watchdog\.log"),
        opened(monkeypatch, engine, ran, tmp_path),
    ):
        engine.well = False

    assert ran.words == ["up", "up"]
    assert engine.removed == []


@pytest.mark.parametrize("well", [True, False])
def test_the_watchdog_is_told_what_starts_and_that_all_is_gone_if_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, well: bool
) -> None:
    guards = without_watchdog(monkeypatch)
    project = projects.Project(
        engine=as_engine(FakeEngine()),
        compose=COMPOSE,
        name=project_name("a-run"),
        files=(),
        variables={},
    )
    monkeypatch.setattr(proc, "run", lambda *_, on_start, **__: on_start and on_start(77))

    with (
        nullcontext() if well else pytest.raises(EnvironmentFailure),
        projects.opened(project, tmp_path, lambda _: None) as opened_project,
    ):
        opened_project.up(("proxy",))
        cast("FakeEngine", project.engine).well = well

    (guard,) = guards
    assert guard.project == project.name
    assert guard.log == tmp_path / "logs" / "watchdog.log"
    assert (guard.minded, guard.gone, guard.closed) == ([77], well, True)


@pytest.mark.parametrize("given", [{}, {"silence_limit_s": 120.0}])
def test_compose_may_be_silent_for_as_long_as_is_said(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    limits: list[float] = []

    def run(*_: object, silence_limit_s: float, **__: object) -> None:
        limits.append(silence_limit_s)

    monkeypatch.setattr(docker.pulse, "run", run)
    project = projects.Project(
        engine=as_engine(FakeEngine()), compose=COMPOSE, name="p", files=(), variables={}
    )

    project.up(("db",), **given)

    assert limits == [given.get("silence_limit_s", projects.UP_SILENCE_S)]


def test_an_engine_that_is_slow_with_its_logs_does_not_hold_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine(*all_containers())
    moments = iter(range(0, 1000, 10))
    monkeypatch.setattr(proc, "monotonic_s", lambda: float(next(moments)))

    with opened(monkeypatch, engine, Ran(), tmp_path):
        pass

    assert len(list((tmp_path / "logs").glob("*.log"))) == 1


def test_what_a_dead_run_has_left_is_removed_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = project_name("a-run").rpartition("-")[0] + "-99999999"
    engine = FakeEngine(projects=((dead,), ()))

    with opened(monkeypatch, engine, Ran(), tmp_path):
        assert engine.removed == [dead]


@pytest.mark.parametrize("dead", [True, False])
def test_a_network_that_the_engine_keeps_though_nothing_is_on_it_is_said_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, dead: bool
) -> None:
    left = project_name("a-run").rpartition("-")[0] + "-99999999"
    engine = FakeEngine(projects=((left,),) if dead else ((),))
    engine.refusals, engine.refusal = 10**9, docker.NetworkKept("It keeps a network.")
    monkeypatch.setattr(projects, "GONE_LIMIT_S", 0.01)
    said: list[str] = []

    with opened(monkeypatch, engine, Ran(), tmp_path, say=said.append):
        assert ("It keeps a network." in said) is dead

    assert said[-1] == "It keeps a network."


def test_a_network_that_was_kept_for_a_while_hides_nothing_else_that_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = project_name(tmp_path.name)
    engine = FakeEngine(projects=((), (mine,)))
    engine.refusals, engine.refusal = 1, docker.NetworkKept("It keeps a network.")
    monkeypatch.setattr(projects, "GONE_LIMIT_S", 0.05)

    with (
        pytest.raises(EnvironmentFailure, match="still there"),
        opened(monkeypatch, engine, Ran(), tmp_path),
    ):
        pass
