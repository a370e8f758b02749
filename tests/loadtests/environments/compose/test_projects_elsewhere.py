"""Two runs at once on one engine, without a lock that both see."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.projects import check_alone, project_name
from loadtests.environments.owner import Owner
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import docker
from loadtests.tools.docker import connection
from tests.loadtests.environments.compose.fake_engine import (
    FakeEngine,
    Ran,
    all_containers,
    as_engine,
    opened,
)

ELSEWHERE = f"twofold-a-run-{'0' * 8}-17"


@pytest.fixture
def _in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWOFOLD_LOCK_FOLDER", raising=False)
    monkeypatch.setattr(connection, "sees_processes_of", lambda: False)


def an_engine(label: str, *, name: str = ELSEWHERE, running: bool = True) -> docker.Engine:
    containers = [replace(container, running=running) for container in all_containers()]
    engine = FakeEngine(*containers, projects=((name, "shop"),))
    engine.owners[name] = label
    return as_engine(engine)


def label_of(**changed: Any) -> str:
    return replace(Owner.this_process(), **changed).as_label()


@pytest.mark.usefixtures("_in_a_container")
@pytest.mark.parametrize(
    "label",
    [label_of(pid=17, namespace="pid:[1]"), label_of(pid=17, boot="other"), ""],
    ids=["another namespace", "another boot", "no label"],
)
def test_a_run_of_another_container_on_the_same_engine_is_told_as_the_holder(label: str) -> None:
    who = f"Another run may measure on this engine: {ELSEWHERE}"

    with pytest.raises(EnvironmentFailure, match=rf"{who}.*twofold down --all.*_LOCK_FOLDER=FOL"):
        check_alone(an_engine(label))


@pytest.mark.usefixtures("_in_a_container")
@pytest.mark.parametrize(
    "given",
    [
        {"label": label_of(pid=17), "name": project_name("a-run")},  # for which the lock is
        {"label": label_of(pid=17, namespace="pid:[1]"), "running": False},
        {"label": label_of(pid=17, namespace="pid:[1]"), "name": "by-hand"},
    ],
)
def test_what_the_lock_shows_what_has_ended_and_what_is_not_ours_holds_nothing(
    given: dict[str, Any],
) -> None:
    check_alone(an_engine(**given))


@pytest.mark.usefixtures("_in_a_container")
def test_a_folder_for_the_lock_that_all_have_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWOFOLD_LOCK_FOLDER", str(tmp_path))

    check_alone(an_engine(label_of(namespace="pid:[1]")))


def test_where_the_engines_processes_are_seen_the_lock_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TWOFOLD_LOCK_FOLDER", raising=False)
    monkeypatch.setattr(connection, "sees_processes_of", lambda: True)

    check_alone(an_engine(label_of(namespace="pid:[1]")))


@pytest.mark.usefixtures("_in_a_container")
def test_it_is_looked_for_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine(*all_containers(), projects=((ELSEWHERE,),))
    ran = Ran()

    with (
        pytest.raises(EnvironmentFailure, match="Another run may measure"),
        opened(monkeypatch, engine, ran, tmp_path),
    ):
        pass

    assert ran.words == []
    assert engine.closed
