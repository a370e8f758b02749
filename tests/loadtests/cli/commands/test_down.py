from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose import projects
from loadtests.environments.processes import leftovers
from loadtests.model import errors


@pytest.fixture
def three_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "remove_all", lambda _: 1)
    monkeypatch.setattr(projects, "remove_all", lambda _: 2)


@pytest.mark.usefixtures("three_left")
def test_down_says_how_many_runs_it_removed(twofold: Any) -> None:
    ended = twofold("down", out=False)

    assert (ended.code, ended.stdout) == (0, "Removed what 3 runs had left.\n")
    assert twofold("down", "--json", out=False).document == {"removed_runs": 3}


def test_down_does_not_hide_what_could_not_be_removed(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> int:
        raise errors.EnvironmentFailure("The engine did not remove what a run had started.")

    monkeypatch.setattr(leftovers, "remove_all", lambda _: 0)
    monkeypatch.setattr(projects, "remove_all", refuse)

    assert twofold("down", out=False).code == errors.EXIT_ENVIRONMENT


def test_down_cleans_up_every_backend_before_it_reports_the_one_that_failed(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[str] = []

    def clean(_: object) -> int:
        cleaned.append("processes")
        return 1

    def refuse(_: object) -> int:
        raise errors.EnvironmentFailure("The engine did not remove what a run had started.")

    monkeypatch.setattr(projects, "remove_all", refuse)
    monkeypatch.setattr(leftovers, "remove_all", clean)

    ended = twofold("down", out=False)

    assert (ended.code, cleaned) == (errors.EXIT_ENVIRONMENT, ["processes"])
    assert "The engine did not remove" in ended.stderr
