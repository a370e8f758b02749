"""A gate says what would be another system on another machine."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.gate.sides import seen
from loadtests.model.stack import Replica
from tests.loadtests.fakes import World
from tests.loadtests.fakes.stack import StackInMemory

LOG = "Starting gunicorn 27.0.1\nUsing worker: sync\n" + "Booting worker with pid: 7\n" * 5


def notes(log: str, worker: str) -> list[str]:
    world = World(first_log=lambda side: log if side == "head" else "")
    world.replicas = {
        f"{side}-a-1": Replica(
            name=f"{side}-a-1", worker=side, number=1, address="10.1.0.1:8000", identity=side
        )
        for side in ("base", "head")
    }
    stack: Any = StackInMemory(world)
    return list(seen.notes(stack, worker))


def test_workers_by_cpu_count_are_told_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    (note,) = notes(LOG, "sync")

    assert note.startswith("head: 5 worker processes are what cpu_count() gives on this machine")
    assert "Another machine would start another number" in note


def test_the_number_that_the_worker_model_asks_for_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    four = LOG.replace("Booting worker with pid: 7\n", "", 1)

    assert notes(four, "sync") == []
