"""What is read of a container's log."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose import containers


class Engine:
    """An engine that has one log."""

    def __init__(self, log: str) -> None:
        self._lines = log.splitlines(keepends=True)

    def log(self, container: str, *, lines: int | None = None) -> str:
        assert container == "id"
        return "".join(self._lines if lines is None else self._lines[-lines:])


def last_lines(log: str) -> Any:
    engine: Any = Engine(log)
    return containers.last_lines(engine, "id")


def test_many_more_lines_are_searched_than_a_message_shows() -> None:
    found = last_lines("WORKER TIMEOUT\n" + "served\n" * 1000)

    assert found.is_whole
    assert "WORKER TIMEOUT" in found.lines


def test_a_log_that_is_longer_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_LOG_LINES", 3)

    found = last_lines("WORKER TIMEOUT\n" + "served\n" * 3)

    assert not found.is_whole
    assert found.lines == ["served"] * 3
