"""Which requests of a window count: in a closed one by their end, in an open one by when due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from loadtests.gate.analysis import figures
from loadtests.gate.model.evidence import Figures
from loadtests.gate.model.vocabulary import Mode
from loadtests.model.generator_records import Edge, Finished, LoadDone
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role
from tests.loadtests.fakes import finished_event, sample_bytes

OUTCOMES = ["ok", "status", "timeout", "undrained", "dropped"]
OK, STATUS, UNDRAINED, DROPPED = 0, 1, 3, 4
WINDOW_MS = 2000
NOTHING_READ = Edge(members=(), host=None, harness_cpu_s=0.0)
_FINISHED = TypeAdapter(Finished)


def seen(
    mode: Mode, due_ms: list[float], took_ms: list[float], *, user_errors: int = 0, **columns: Any
) -> Figures:
    """Give the figures of a window of 2 s whose requests were due at and took so long."""
    done = ended(due_ms, took_ms, user_errors=user_errors, **columns)
    return figures.figures(done, NOTHING_READ, NOTHING_READ, (), mode=mode)


def ended(
    due_ms: list[float], took_ms: list[float], *, user_errors: int = 0, **columns: Any
) -> LoadDone:
    due_us = (np.array(due_ms) * 1000).astype(np.int64)
    data = sample_bytes(
        done_us=due_us + np.array(took_ms) * 1000, due_us=due_us, sent_us=due_us, **columns
    )
    event = {key: value for key, value in finished_event().items() if key != "event"}
    changed = {"outcomes": OUTCOMES, "user_errors_in_window": user_errors}
    finished = _FINISHED.validate_python(event | changed)
    return LoadDone(finished=finished, samples=data)


def test_in_a_closed_window_counts_what_ended_in_it() -> None:
    found = seen(Mode.CLOSED, [-100, 1950, 1000], [150, 100, 20])

    assert (found.completed, found.failed) == (2, 0)
    assert found.p99_ms == 150.0
    assert found.quantiles_ms == ()


def test_in_an_open_window_counts_what_was_due_in_it_however_late_it_was_answered() -> None:
    found = seen(Mode.OPEN, [-100, 0, 1000, 2000], [150, 20, 5000, 30])

    assert (found.completed, found.failed) == (2, 0)
    assert found.p99_ms == 5000.0
    assert max(found.quantiles_ms) > 3000


def test_what_hung_has_failed_in_either() -> None:
    outcome = np.array([OK, UNDRAINED, UNDRAINED])

    for mode in Mode:
        found = seen(mode, [100, 500, 1900], [20, 16_500, 15_100], outcome=outcome)
        assert (found.completed, found.failed) == (1, 2), mode


def test_what_was_not_sent_or_answered_badly_has_failed() -> None:
    outcome = np.array([OK, DROPPED, STATUS])

    for mode in Mode:
        found = seen(mode, [100, 500, 600], [20, 0, 10], outcome=outcome)
        assert (found.completed, found.failed) == (1, 2), mode


@pytest.mark.parametrize(
    ("took_ms", "expected"),
    [
        ([20, 20, 20, 20], 1.0),
        ([10, 30, 10, 30], 1.25),
        ([20, 20, 20, 9000], 1.0),  # the last one did not end in the window
    ],
)
def test_the_answers_of_a_closed_window_vary_by_their_response_times(
    took_ms: list[float], expected: float
) -> None:
    assert figures.dispersion(ended([0, 100, 200, 300], took_ms)) == pytest.approx(expected)


def test_a_window_without_an_answer_varies_as_if_by_chance_alone() -> None:
    assert figures.dispersion(ended([0], [9000])) == 1.0


BEFORE = Reading(
    member="head-a-1",
    role=Role.REPLICA,
    at_s=0.0,
    cpu_s=1.0,
    periods=10,
    throttled_periods=5,
)
AFTER = replace(BEFORE, at_s=2.0, cpu_s=1.5, periods=30, throttled_periods=20)


def throttled(before: Reading, after: Reading) -> float | None:
    """Give the share of the CPU periods that a start was held back in between two readings."""
    event = {key: value for key, value in finished_event().items() if key != "event"}
    done = LoadDone(finished=_FINISHED.validate_python(event), samples=sample_bytes(done_us=[1000]))
    opened, closed = (replace(NOTHING_READ, members=(reading,)) for reading in (before, after))
    return figures.figures(done, opened, closed, ("head-a-1",)).throttled_ratio


def test_the_share_of_cpu_periods_held_back_is_that_between_the_readings() -> None:
    assert throttled(BEFORE, AFTER) == 0.75


@pytest.mark.parametrize("lost", ["periods", "throttled_periods"])
def test_a_counter_that_is_lost_at_either_edge_is_not_taken_for_zero(lost: str) -> None:
    unknown: dict[str, Any] = {lost: None}

    assert throttled(replace(BEFORE, **unknown), AFTER) is None
    assert throttled(BEFORE, replace(AFTER, **unknown)) is None


def test_a_task_that_ends_with_an_exception_has_failed() -> None:
    """Its requests were answered well; those that it would have sent next never came."""
    for mode in Mode:
        found = seen(mode, [100, 500], [20, 16], user_errors=5)
        assert (found.completed, found.failed) == (2, 5)


def test_the_answers_of_each_request_are_counted_by_the_kind_of_their_status() -> None:
    found = seen(
        Mode.CLOSED,
        [100, 500, 600, 700],
        [20, 1, 1, 1],
        status=np.array([200, 204, 302, 500]),
        outcome=np.array([OK, OK, OK, STATUS]),
    )

    (count,) = found.answers
    assert (count.name, count.good, count.failed) == ("/cpu", {"2xx": 2, "3xx": 1}, 1)
    assert (found.completed, found.failed) == (3, 1)


def test_a_page_that_the_client_has_already_is_a_kind_of_its_own() -> None:
    found = seen(Mode.CLOSED, [100, 500, 700], [20, 1, 1], status=np.array([200, 304, 302]))

    (count,) = found.answers
    assert count.good == {"2xx": 1, "304": 1, "3xx": 1}
