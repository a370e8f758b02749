"""Requests that take longer than any window: their calibration is the end of the run."""

from __future__ import annotations

import pytest

from loadtests.config.options import Options
from loadtests.measurement.user_calibration import Measure, calibrate
from loadtests.model.errors import EXIT_CANNOT_TELL, UnusableLoad
from loadtests.model.plan import Plan, Timing, TrialSpec
from loadtests.model.trial import Trial
from loadtests.planning.run_plan import make_plan
from tests.loadtests.builders import make_machine, make_trial

PLAN: Plan = make_plan(Options(), make_machine(), backend="fake", seed=1)


def unanswered(tried: list[tuple[int, float]], *, failed: int = 0) -> Measure:
    """Measure users who get no answer, of whose requests so many fail."""

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        tried.append((users, timing.window_s))
        return make_trial(spec=spec, users=users, throughput_rps=0.0, completed=0, failed=failed)

    return measure


def test_the_run_ends_after_one_user_and_says_what_to_do() -> None:
    """No answer at all came in any window of any round."""
    tried: list[tuple[int, float]] = []

    with pytest.raises(UnusableLoad) as raised:
        calibrate(PLAN, "gthread", "cpu", unanswered(tried))

    assert tried == [(1, 1.0), (1, 4.0)]
    assert raised.value.exit_code == EXIT_CANNOT_TELL
    assert str(raised.value) == (
        "gthread on cpu: with one user alone no request ended between 4 and 8 s after the start."
        " Windows take 6 s at most, which is too short for such requests. To get a verdict, measure"
        " requests that take less than 2.1 s."
    )


def test_requests_that_fail_are_measured_and_told_by_the_rules() -> None:
    tried: list[tuple[int, float]] = []

    calibration = calibrate(PLAN, "gthread", "cpu", unanswered(tried, failed=1))

    assert calibration.service_ms is None
    assert {users for users, _ in tried} == {1, 4}
