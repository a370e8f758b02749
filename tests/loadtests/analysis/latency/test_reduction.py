import math
from typing import Any

import numpy as np
import pytest

from loadtests.analysis.latency import reduction
from loadtests.analysis.latency.reduction import at_percent
from loadtests.model.generator_records import RawTrial
from loadtests.model.latency import Objective
from loadtests.model.open_trial import OpenTrial
from tests.loadtests.analysis.latency.builders import open_spec
from tests.loadtests.analysis.raw_trials import a_raw_trial
from tests.loadtests.builders import make_budget
from tests.loadtests.fakes import sample_bytes

OUTCOMES = ["ok", "status", "timeout", "undrained", "dropped"]
OK, STATUS, UNDRAINED, DROPPED = 0, 1, 3, 4


def raw(due_ms: list[float], took_ms: list[float], **columns: Any) -> RawTrial:
    """Give a trial of 2 s whose requests were due at and took so long."""
    due_us = np.array(due_ms) * 1000
    data = sample_bytes(
        done_us=due_us + np.array(took_ms) * 1000,
        due_us=due_us.astype(np.int64),
        sent_us=columns.pop("sent_us", due_us.astype(np.int64)),
        **columns,
    )
    return a_raw_trial(data, finished={"outcomes": OUTCOMES})


def reduced(*args: Any, objective: Objective | None = None, **columns: Any) -> OpenTrial:
    return reduction.reduce(raw(*args, **columns), open_spec(), make_budget(), objective)


def test_what_was_due_in_the_window_counts_wherever_it_was_answered() -> None:
    found = reduced([-10, 0, 1990, 2000], [50, 20, 700, 30])

    assert found.due == 2
    assert (found.response.p50_ms, found.response.max_ms) == (20.0, 700.0)


def test_response_counts_from_due_and_service_from_sent() -> None:
    sent_us = np.array([0, 900_000])
    found = reduced([0, 100], [30, 1030], sent_us=sent_us)

    assert found.response.max_ms == 1030.0
    assert found.service.max_ms == 230.0
    assert found.late_p99_ms == 800.0


def test_dropped_requests_are_counted_and_slower_than_every_answer() -> None:
    outcome = np.array([OK] * 98 + [DROPPED, STATUS])
    found = reduced(list(range(100)), [20.0] * 100, outcome=outcome)

    assert (found.due, found.dropped, found.failed) == (100, 1, 1)
    assert found.response.p90_ms == 20.0
    assert found.response.p99_ms is None
    assert found.response.max_ms is None


def test_a_request_that_was_never_answered_is_not_left_out() -> None:
    outcome = np.array([OK] * 9 + [UNDRAINED])
    found = reduced(list(range(10)), [20.0] * 10, outcome=outcome)

    assert (found.due, found.failed) == (10, 1)
    assert found.service.p99_ms is None


def test_late_are_those_beyond_the_objective_and_those_without_a_good_answer() -> None:
    outcome = np.array([OK, OK, STATUS, DROPPED])
    limit = Objective(percent=99, limit_ms=250)
    found = reduced([0, 1, 2, 3], [250.0, 250.1, 1.0, 0.0], outcome=outcome, objective=limit)

    assert found.late == 3


def test_without_an_objective_nothing_is_called_late() -> None:
    assert reduced([0], [9000.0]).late is None


def test_the_offered_rate_is_that_of_requests_sent_in_the_window() -> None:
    outcome = np.array([OK, OK, OK, DROPPED])
    found = reduced([-5, 10, 1000, 1500], [20.0] * 4, outcome=outcome)

    assert found.offered_rps == pytest.approx(1.0)


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = np.arange(1.0, 101.0)

    assert [at_percent(values, percent) for percent in (50, 90, 99, 99.9, 100)] == [
        *(50.0, 90.0, 99.0, 100.0, 100.0)
    ]
    assert at_percent(np.array([1.0, math.inf]), 99) is None
    assert at_percent(np.empty(0), 50) is None
