"""What runs have left on an engine, and which of them may still be active."""

import os
import socket
import zlib
from dataclasses import replace
from typing import Any

import pytest

from loadtests.environments import removal
from loadtests.environments.compose import projects
from loadtests.environments.compose.projects import project_name
from loadtests.environments.owner import Owner
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import docker
from tests.loadtests.environments.compose.fake_engine import (
    FakeEngine,
    as_engine,
)


def another(**fields: Any) -> str:
    """The label of this process, with fields that are not its own."""
    return replace(Owner.this_process(), **fields).as_label()


@pytest.mark.parametrize(
    ("pid", "label", "living"),
    [
        (os.getpid(), Owner.this_process().as_label(), True),
        (os.getpid(), another(started="1"), False),
        (os.getpid(), another(boot="the last one"), False),
        (99999999, another(pid=99999999), False),
        (99999999, another(pid=99999999, namespace="pid:[1]"), True),
        (os.getpid(), "", True),
        (99999999, "", False),
        (os.getpid(), "something else", True),
    ],
    ids=["this", "pid used again", "before a boot", "gone", "not to be seen", *"abc"],
)
def test_a_run_is_dead_when_its_very_process_is_gone(pid: int, label: str, living: bool) -> None:
    project = f"{project_name('a-run').rpartition('-')[0]}-{pid}"
    engine = FakeEngine(projects=((project,),))
    engine.owners = {project: label}

    (run,) = projects.remains(as_engine(engine))

    assert (run.name, run.living) == (project, living)


def test_a_run_of_another_machine_may_live() -> None:
    engine = FakeEngine(projects=((f"twofold-a-run-{'0' * 8}-99999999",),))

    assert [run.living for run in projects.remains(as_engine(engine))] == [True]


@pytest.mark.parametrize("pid", [os.getpid(), 99999999], ids=["one here", "none here"])
def test_a_run_of_another_machine_with_the_same_host_name_may_live(
    monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    """Two virtual machines called "ubuntu" share an engine or a Swarm."""
    with monkeypatch.context() as there:
        there.setattr(projects, "machine_id", lambda: "0" * 32)
        project = f"{project_name('a-run').rpartition('-')[0]}-{pid}"
    engine = FakeEngine(projects=((project,),))
    engine.owners = {project: another(boot="of another machine", pid=pid)}

    assert [run.living for run in projects.remains(as_engine(engine))] == [True]


@pytest.mark.parametrize(
    ("label", "living"),
    [(another(pid=99999999), False), (another(boot="another", pid=99999999), True), ("", True)],
    ids=["this boot", "another boot", "no label"],
)
def test_a_run_of_an_earlier_version_is_of_this_machine_if_its_boot_is(
    label: str, living: bool
) -> None:
    mark = f"{zlib.crc32(socket.gethostname().encode()):08x}"
    project = f"twofold-a-run-{mark}-99999999"
    engine = FakeEngine(projects=((project,),))
    engine.owners = {project: label}

    assert [run.living for run in projects.remains(as_engine(engine))] == [living]


@pytest.mark.parametrize("name", ["compose", "twofold", "twofold-test-0123", "shop", "twofold-a-1"])
def test_a_project_that_is_not_named_as_ours_is_never_touched(name: str) -> None:
    engine = FakeEngine(projects=((name,),))

    assert projects.remains(as_engine(engine)) == ()


def test_removing_a_run_removes_its_project() -> None:
    engine = FakeEngine(projects=((project_name("a-run"),),))
    (run,) = projects.remains(as_engine(engine))

    run.remove()

    assert engine.removed == [run.name]


def test_a_network_that_the_engine_keeps_is_no_failure() -> None:
    engine = FakeEngine(projects=((project_name("a-run"),),))
    engine.refusals, engine.refusal = 1, docker.NetworkKept("It keeps a network.")
    said: list[str] = []

    removed = removal.remove(projects.remains(as_engine(engine)), said.append)

    assert removed == removal.Removed(runs=0, failures=())
    assert said[-1] == "It keeps a network."


def test_without_an_engine_there_is_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_engine() -> None:
        raise docker.NoEngine("No Docker engine answers.")

    monkeypatch.setattr(docker, "Engine", no_engine)
    said: list[str] = []

    with projects.engine_if_any(said.append) as engine:
        assert engine is None
    assert said == ["No Docker engine answers."]


def test_an_engine_that_does_not_answer_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hangs() -> None:
        raise EnvironmentFailure("No Docker engine answers (timed out).")

    monkeypatch.setattr(docker, "Engine", hangs)

    with (
        pytest.raises(EnvironmentFailure, match="timed out"),
        projects.engine_if_any(lambda _: None),
    ):
        pytest.fail("it is known")
