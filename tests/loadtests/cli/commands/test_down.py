from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments import removal
from loadtests.environments.compose import projects
from loadtests.environments.processes import leftovers
from loadtests.model import errors
from loadtests.tools import temporary


class Left:
    """What runs have left in a test, and which of it was removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.removed: list[str] = []
        self.refusing = ""
        self.refusal: Exception | None = None
        runs = [self._remains("dead-1", living=False), self._remains("dead-2", living=False)]
        going_on = self._remains("going-on", living=True)
        monkeypatch.setattr(leftovers, "remains", lambda: (runs[0], going_on))
        monkeypatch.setattr(projects, "remains", lambda _: (runs[1],))
        self.folders: list[Path] = []
        monkeypatch.setattr(temporary, "abandoned", lambda: tuple(self.folders))
        monkeypatch.setattr(projects, "engine_if_any", lambda _: nullcontext("an engine"))

    def _remains(self, name: str, *, living: bool) -> removal.Remains:
        def remove() -> None:
            if name == self.refusing:
                raise self.refusal or errors.EnvironmentFailure(f"{name} cannot be removed.")
            self.removed.append(name)

        return removal.Remains(name=name, living=living, remove=remove)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Left:
    return Left(monkeypatch)


def test_down_removes_what_dead_runs_left_and_names_those_that_go_on(
    twofold: Any, left: Left
) -> None:
    ended = twofold("down", out=False)

    assert (ended.code, left.removed) == (0, ["dead-2", "dead-1"])
    assert ended.stdout == (
        "Removed what 2 runs had left.\n"
        "1 run may still be active: `twofold down --all` ends it too.\n"
    )


def test_down_in_json_says_how_many_and_what_failed(twofold: Any, left: Left) -> None:
    left.refusing = "dead-1"

    ended = twofold("down", "--json", out=False)

    assert ended.code == errors.EXIT_ENVIRONMENT
    assert ended.document == {"removed_runs": 1, "failures": ["dead-1 cannot be removed."]}


def test_what_cannot_be_removed_stops_nothing_else(twofold: Any, left: Left) -> None:
    left.refusing = "dead-1"

    ended = twofold("down", out=False)

    assert (ended.code, left.removed) == (errors.EXIT_ENVIRONMENT, ["dead-2"])
    assert "dead-1 cannot be removed." in ended.stderr


@pytest.mark.parametrize(
    "refusal",
    [errors.EnvironmentFailure("It is busy."), PermissionError(13, "Permission denied")],
    ids=["failure", "system"],
)
def test_whatever_the_refusal_is_the_others_are_removed(
    twofold: Any, left: Left, refusal: Exception
) -> None:
    left.refusing, left.refusal = "dead-2", refusal

    ended = twofold("down", "--json", out=False)

    assert (ended.code, left.removed) == (errors.EXIT_ENVIRONMENT, ["dead-1"])
    assert ended.document == {"removed_runs": 1, "failures": [str(refusal)]}


@pytest.mark.parametrize(
    "failure",
    [errors.EnvironmentFailure("No Docker engine answers (timed out)."), OSError(5, "I/O error")],
    ids=["engine", "system"],
)
def test_what_a_backend_cannot_list_is_a_failure_and_hides_nothing_of_the_others(
    twofold: Any, left: Left, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(_: object) -> None:
        raise failure

    monkeypatch.setattr(projects, "engine_if_any", fail)

    ended = twofold("down", "--json", out=False)

    assert (ended.code, left.removed) == (errors.EXIT_ENVIRONMENT, ["dead-1"])
    assert ended.document["removed_runs"] == 1
    (told,) = ended.document["failures"]
    assert told == f"What runs with compose have left is not known: {failure}"
    assert told in ended.stderr


def test_temporary_folders_of_killed_processes_are_removed_too(
    twofold: Any, left: Left, tmp_path: Path
) -> None:
    left.folders = [tmp_path / f"{temporary.PREFIX}gate-1"]
    left.folders[0].mkdir(mode=0o700)
    (left.folders[0] / ".env").touch()

    ended = twofold("down", "--json", out=False)

    assert ended.document == {"removed_runs": 3, "failures": []}
    assert not left.folders[0].exists()


def test_down_all_asks_before_it_ends_a_run_that_may_go_on(twofold: Any, left: Left) -> None:
    ended = twofold("down", "--all", out=False)  # no terminal

    assert left.removed == []
    assert ended.code == errors.EXIT_USAGE
    assert "add --yes" in ended.stderr
    assert "These runs may still be active:\n  going-on\n" in ended.stderr

    assert twofold("down", "--all", "--yes", out=False).code == 0
    assert left.removed == ["dead-2", "dead-1", "going-on"]


def test_down_all_with_a_closed_standard_input_says_how_to_go_on(
    twofold: Any, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it then

    ended = twofold("down", "--all", out=False)

    assert (ended.code, left.removed) == (errors.EXIT_USAGE, [])
    assert "There is no terminal to ask on. To end them too, add --yes." in ended.stderr
