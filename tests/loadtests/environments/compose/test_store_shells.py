"""One shell asks a store again and again: answers in time, late ones, and a shell that ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.compose.store_shells import StoreShells
from loadtests.environments.shared.stores import STORES
from loadtests.model.errors import ProcessFailure
from loadtests.tools import docker
from loadtests.tools.stores import StoreProgram

LIMIT_S = 20.0


def program(script: str, question: str = "how many") -> StoreProgram:
    return replace(STORES[0], script=script, question=question)


@pytest.fixture
def shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreShells]:
    """Shells on this machine, in the place of those in containers."""
    monkeypatch.setattr(docker, "exec_argv", lambda container, *command: command)
    shells = StoreShells(lambda member: f"id of {member}", tmp_path / "logs")
    yield shells
    shells.close()


def test_one_shell_answers_all_questions(shells: StoreShells) -> None:
    ask = program('asked=0; ask() { asked=$((asked + 1)); echo "$1: $asked"; }')

    answers = [shells("db", ask, limit_s=LIMIT_S) for _ in range(3)]

    assert answers == ["how many: 1\n", "how many: 2\n", "how many: 3\n"]


def test_a_client_that_fails_is_quoted(shells: StoreShells) -> None:
    ask = program("ask() { echo 'ERROR 1045: Access denied' >&2; return 1; }")

    with pytest.raises(ProcessFailure, match=r"^ERROR 1045: Access denied$"):
        shells("db", ask, limit_s=LIMIT_S)


def test_a_late_answer_is_not_taken_for_the_next(shells: StoreShells, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = program(
        f'asked=0; ask() {{ asked=$((asked + 1)); echo "$asked";'
        f" while [ ! -e {gate} ]; do sleep 0.01; done; }}"
    )
    with pytest.raises(ProcessFailure, match="did not answer"):
        shells("db", slow, limit_s=0.3)
    gate.touch()

    assert shells("db", slow, limit_s=LIMIT_S) == "2\n"


def test_a_container_without_a_shell_says_why(shells: StoreShells) -> None:
    ask = program("echo 'exec: sh: not found' >&2; exit 127;")

    with pytest.raises(ProcessFailure, match="exec: sh: not found"):
        shells("db", ask, limit_s=LIMIT_S)
