import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose import backend, images
from loadtests.environments.compose import projects as compose_projects
from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.compose.images import Images
from loadtests.environments.compose.projects import dead_projects, project_name
from loadtests.environments.counters import member_name
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.model.errors import EnvironmentFailure, Interrupted, ProcessFailure, UsageError
from loadtests.model.plan import Plan
from loadtests.tools import docker, proc
from loadtests.tools.docker import Compose, Container
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_plan

ROOT = CHECKOUT
IMAGES = Images(app="app:1", proxy="proxy:1", generator="generator:1", digests={})
PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))
COMPOSE = Compose(argv=("docker", "compose"), version="2.29.1")


def a_container(service: str, number: int = 1, **fields: Any) -> Container:
    defaults: dict[str, Any] = {
        "id": f"id of {service}-{number}",
        "service": service,
        "number": number,
        "image": "sha256:app",
        "started_at": "2026-09-21T10:00:00Z",
        "running": True,
        "exit_code": 0,
        "out_of_memory": False,
        "pid": 1,
        "address": f"10.0.0.{number}",
    }
    return Container(**defaults | fields)


class FakeEngine:
    """An engine whose containers are what a test says; it notes what is asked of it."""

    def __init__(self, *containers: Container, projects: Sequence[Sequence[str]] = ((),)) -> None:
        self.listed = containers
        self.removed: list[str] = []
        self.closed = False
        self.version = "28.0"
        self.log_error: Exception | None = None
        self.refusals = 0
        self.refusal = EnvironmentFailure("The engine did not remove it.")
        self._projects = iter(projects)
        self._last: Sequence[str] = ()

    def containers(self, _: str) -> tuple[Container, ...]:
        return self.listed

    def log(self, container: str, *, lines: int | None = None) -> str:
        if self.log_error is not None:
            raise self.log_error
        return f"log of {container}, {lines}"

    def projects(self) -> Sequence[str]:
        self._last = next(self._projects, self._last)
        return self._last

    def remove(self, project: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.refusal
        self.removed.append(project)

    def close(self) -> None:
        self.closed = True


def as_engine(engine: FakeEngine) -> docker.Engine:
    return cast("docker.Engine", engine)


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


# -- who is there ------------------------------------------------------------------------------


def all_containers() -> list[Container]:
    workers = [a_container(name, number) for name in ("gthread", "sync") for number in (1, 2)]
    return [
        *workers,
        a_container("proxy"),
        a_container("generator"),
        a_container("metronome"),
    ]


def replicas_of(containers: Sequence[Container]) -> list[str]:
    named = {member_name(each): each for each in containers}
    return [f"{each.name} {each.address}" for each in backend._replicas(named, PLAN)]


def test_replicas_come_in_the_order_of_worker_and_number() -> None:
    assert replicas_of(all_containers()) == [
        "gthread-1 10.0.0.1:8000",
        "gthread-2 10.0.0.2:8000",
        "sync-1 10.0.0.1:8000",
        "sync-2 10.0.0.2:8000",
    ]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"running": False, "exit_code": 3}, "it ended with code 3"),
        ({"running": False, "out_of_memory": True}, "it was ended for want of memory"),
    ],
)
def test_a_replica_that_does_not_run_is_named_with_the_reason(
    fields: dict[str, Any], why: str
) -> None:
    containers = all_containers()
    containers[3] = replace(containers[3], **fields)

    with pytest.raises(EnvironmentFailure, match=f"Replica sync-2 of 2 does not run: {why}"):
        replicas_of(containers)


def test_a_replica_that_was_not_started_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"sync-2 of 2 .* no such container"):
        replicas_of([each for each in all_containers() if each.id != "id of sync-2"])


# -- surely down again -------------------------------------------------------------------------


class Ran:
    """Stands for ``proc.run``, and notes the words of each Compose command."""

    def __init__(self, **failing: BaseException) -> None:
        self.words: list[str] = []
        self.argvs: list[tuple[str, ...]] = []
        self.codes: dict[str, int] = {}
        self._failing = failing

    def __call__(self, argv: Sequence[str], **_: object) -> proc.Completed:
        word = next((word for word in ("up", "down") if word in argv), argv[0])
        self.words.append(word)
        self.argvs.append(tuple(argv))
        if word in self._failing:
            raise self._failing[word]
        code = self.codes.get(word, 0)
        return proc.Completed(argv=tuple(argv), code=code, stdout="", stderr="")


@contextmanager
def opened(
    monkeypatch: pytest.MonkeyPatch,
    engine: FakeEngine,
    ran: Ran,
    folder: Path,
    settings: Settings = NO_SETTINGS,
    plan: Plan = PLAN,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    monkeypatch.setattr(docker, "Engine", lambda: engine)
    monkeypatch.setattr(docker, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(images, "build_all", lambda *_, **__: IMAGES)
    monkeypatch.setattr(proc, "run", ran)
    monkeypatch.setattr(proc, "POLL_S", 0.0)
    monkeypatch.setattr(backend, "ComposeStack", lambda *_: None)
    with ComposeBackend(ROOT, settings=settings).open(plan, folder, say):
        yield


def test_a_stack_goes_up_and_down_and_its_logs_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, ran = FakeEngine(*all_containers()), Ran()

    with opened(monkeypatch, engine, ran, tmp_path):
        assert ran.words == ["up"]

    assert ran.words == ["up", "down"]
    assert engine.removed == [project_name(tmp_path.name)]
    assert engine.closed
    assert (tmp_path / "logs/gthread-2.log").read_text() == "log of id of gthread-2, None"
    assert (tmp_path / "logs/generator-container.log").exists()


WITH_STORE = replace(PLAN, with_store=True)


def test_a_store_is_up_and_ready_before_the_replicas_that_connect_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, ran = FakeEngine(a_container("store")), Ran()

    with opened(monkeypatch, engine, ran, tmp_path, plan=WITH_STORE):
        assert ran.words == ["up", "docker", "up"]

    assert ran.argvs[0][-1] == "store"
    assert ran.argvs[1][:4] == ("docker", "exec", "--interactive", "id of store-1")
    assert "pg_isready" in ran.argvs[1][-1]
    assert ran.argvs[2][-5:] == ("gthread", "sync", "proxy", "generator", "metronome")


def test_a_store_that_does_not_come_up_is_told_with_its_log_and_all_goes_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine(a_container("store"))
    ran = Ran()
    ran.codes["docker"] = 2  # no response
    monkeypatch.setattr(backend, "STORE_LIMIT_S", 0.01)

    with (
        pytest.raises(EnvironmentFailure, match=r"(?s)PostgreSQL .*log of id of store-1, 20"),
        opened(monkeypatch, engine, ran, tmp_path, plan=WITH_STORE),
    ):
        pass

    assert ran.words[-1] == "down"


def test_settings_go_by_a_second_file_that_up_and_down_both_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran()

    with opened(monkeypatch, FakeEngine(), ran, tmp_path, {"*": {"BURN_PERCENT": "10"}}):
        pass

    override = tmp_path / "compose.override.json"
    assert json.loads(override.read_text()) == {
        "services": {
            "gthread": {"environment": {"BURN_PERCENT": "10"}},
            "sync": {"environment": {"BURN_PERCENT": "10"}},
        }
    }
    for argv in ran.argvs:
        assert argv[4:8] == (
            *("--file", str(ROOT / "compose/compose.yaml")),
            *("--file", str(override)),
        )


def test_settings_that_compose_cannot_give_are_refused_before_anything_is_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran()

    with (
        pytest.raises(UsageError, match="use --backend processes"),
        opened(monkeypatch, FakeEngine(), ran, tmp_path, {"sync-2": {"STATE": "memory"}}),
    ):
        pass

    assert ran.words == []


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
    monkeypatch.setattr(docker, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(images, "build_all", lambda *_, **__: IMAGES)
    monkeypatch.setattr(proc, "run", Ran())

    def closed(_: str) -> None:
        raise BrokenPipeError

    with (
        pytest.raises(BrokenPipeError),
        ComposeBackend(ROOT).open(PLAN, tmp_path, closed),
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
    monkeypatch.setattr(compose_projects, "GONE_LIMIT_S", 0.01)

    with (
        pytest.raises(EnvironmentFailure, match=r"still there\. The engine did not .*twofold down"),
        opened(monkeypatch, engine, Ran(), tmp_path),
    ):
        pass


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
    monkeypatch.setattr(compose_projects, "GONE_LIMIT_S", 0.01)
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
    monkeypatch.setattr(compose_projects, "GONE_LIMIT_S", 0.05)

    with (
        pytest.raises(EnvironmentFailure, match="still there"),
        opened(monkeypatch, engine, Ran(), tmp_path),
    ):
        pass


# -- down, of all runs -------------------------------------------------------------------------


def test_all_runs_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(projects=(("twofold-a", "twofold-b"),))
    monkeypatch.setattr(docker, "Engine", lambda: engine)
    said: list[str] = []

    assert compose_projects.remove_all(said.append) == 2
    assert engine.removed == ["twofold-a", "twofold-b"]
    assert said == ["Removing twofold-a", "Removing twofold-b"]
    assert engine.closed


def test_what_the_engine_keeps_is_not_counted_as_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(projects=(("twofold-a", "twofold-b"),))
    engine.refusals, engine.refusal = 1, docker.NetworkKept("It keeps a network.")
    monkeypatch.setattr(docker, "Engine", lambda: engine)
    said: list[str] = []

    assert compose_projects.remove_all(said.append) == 1
    assert said == ["Removing twofold-a", "It keeps a network.", "Removing twofold-b"]


def test_without_an_engine_there_is_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_engine() -> None:
        raise EnvironmentFailure("No Docker engine answers.")

    monkeypatch.setattr(docker, "Engine", no_engine)
    said: list[str] = []

    assert compose_projects.remove_all(said.append) == 0
    assert said == ["No Docker engine answers."]
