from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loadtests.measurement.generator_client import Agent
from loadtests.measurement.serving import start_time
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import FakeStack, World
from tests.loadtests.fakes.child import ScriptedChild


def answering_with(*statuses: int | None) -> Agent:
    """Give an agent whose fetches are answered by these statuses, then by the last one for ever."""
    rest = iter(statuses)
    last = statuses[-1]

    def answer(_: str) -> Iterator[str]:
        given = {"url": "/", "status": next(rest, last)}
        yield json.dumps({"event": "fetched", "id": "f1", "answers": [given]})

    return Agent(ScriptedChild(answer))


class Growing(FakeStack):
    """A stack that can grow, unless a test gives an error."""

    def __init__(self, error: EnvironmentFailure | None = None) -> None:
        super().__init__(World(), make_plan())
        self.running: list[str] = []
        self.started: list[str] = []
        self._error = error

    @contextmanager
    def further_replica(self, worker: str) -> Iterator[str]:
        if self._error is not None:
            raise self._error
        self.started.append(worker)
        self.running.append(worker)
        try:
            yield "10.0.0.9:8000"
        finally:
            self.running.remove(worker)


def test_one_more_replica_is_timed_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([10.0, 10.0, 11.5])
    monkeypatch.setattr(proc, "monotonic_s", lambda: next(moments))
    stack = Growing()

    seconds = start_time.measure(stack, answering_with(200), "gthread", "/healthz")

    assert seconds == 1.5
    assert (stack.started, stack.running) == (["gthread"], [])


def test_an_error_of_the_server_is_no_answer_yet() -> None:
    seconds = start_time.measure(Growing(), answering_with(None, 503, 404), "gthread", "/")

    assert seconds is not None
    assert seconds >= 0.2


def test_a_stack_that_cannot_grow_has_no_time() -> None:
    agent = answering_with(200)

    assert start_time.measure(FakeStack(World(), make_plan()), agent, "gthread", "/") is None
    failing = Growing(EnvironmentFailure("no engine"))
    assert start_time.measure(failing, agent, "gthread", "/") is None


def test_one_that_never_answers_has_no_time_and_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_time, "LIMIT_S", 0.0)
    stack = Growing()

    assert start_time.measure(stack, answering_with(None), "gthread", "/") is None
    assert stack.running == []
