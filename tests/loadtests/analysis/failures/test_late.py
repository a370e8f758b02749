"""Answers that are too slow for the load itself are late, and no answer is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.failures import late, shape
from loadtests.analysis.rules import registry
from loadtests.model.failures import FailureResult, FailureShape, RequestOutcomes
from loadtests.model.plan import Plan
from loadtests.model.result import RunResult
from loadtests.model.tested.workload import Locustfile, Workload
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, Verdict
from tests.loadtests.analysis.failures.failing import PLAN as LIST_PLAN
from tests.loadtests.analysis.failures.failing import outcomes, with_requests
from tests.loadtests.builders import make_result

USERS = Workload(name="cpu", path="/cpu", locustfile=Locustfile(path="/shop/locustfile.py"))
PLAN = replace(LIST_PLAN, workloads=(USERS,))

Changed = Callable[[RequestOutcomes, int], RequestOutcomes]


def rejected_by(
    changed: Changed, *, kind: str = "rejected", fails: Callable[[int], int] | None = None
) -> tuple[Trial, ...]:
    """Give trials whose requests fail with more replicas only, with the times of ``changed``."""

    def at(count: int) -> RequestOutcomes:
        failed = (0 if count == 1 else 40 * count) if fails is None else fails(count)
        return changed(outcomes(failed, replicas=count, kind=kind), count)

    return with_requests(at, PLAN)


def cut_at(limit_ms: float, slowest_ms: float, kind: str = "rejected") -> Changed:
    """Let answers take up to ``slowest_ms`` where they are accepted, and more than the limit."""
    return lambda one, _: replace(
        one, slowest_ms=slowest_ms, late_ms={kind: limit_ms} if one.failed else {}
    )


def result_of(trials: tuple[Trial, ...], plan: Plan = PLAN) -> FailureResult:
    (result,) = shape.results(plan, trials, finished=False)
    return result


def concluded(trials: tuple[Trial, ...]) -> RunResult:
    failures = shape.results(PLAN, trials, finished=False)
    findings = registry.check(PLAN, trials, (), failures)
    return make_result(PLAN, trials, findings=findings, failures=failures)


@pytest.mark.parametrize("kind", ["rejected", "timeout"])
def test_what_is_slower_than_the_load_allows_is_no_break(kind: str) -> None:
    trials = rejected_by(cut_at(501.0, 499.8, kind), kind=kind)

    result = result_of(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.TOO_SLOW, ())
    assert result.limit_ms == 501.0
    assert result.counts[1].kinds == {"too slow": 480}
    assert result.detail.startswith(
        "Requests failed by the load's own limit of time, about 501 ms (0 of 1,200 at 1,"
        " 480 of 2,400 at 2, 960 of 4,800 at 4 replicas). These answers were late, not wrong,"
    )
    assert "Take the limit out of the locustfile" in result.remedy
    run = concluded(trials)
    assert run.verdict is Verdict.INVALID
    (told,) = {
        finding.detail
        for finding in run.findings
        if finding.code is RuleCode.ERRORS and finding.cell and finding.cell.replicas == 2
    }
    assert "about 501 ms" in told


def test_a_load_that_accepts_nothing_at_two_servers_has_its_limit_from_one() -> None:
    def all_late(one: RequestOutcomes, count: int) -> RequestOutcomes:
        if count == 1:
            return replace(one, slowest_ms=380.0)
        return replace(one, slowest_ms=None, late_ms={"rejected": 700.0})

    trials = rejected_by(all_late, fails=lambda count: 0 if count == 1 else 200 * count)

    assert result_of(trials).shape is FailureShape.TOO_SLOW


def test_a_load_without_code_has_no_limit_of_time() -> None:
    result = result_of(rejected_by(cut_at(501.0, 499.8)), LIST_PLAN)

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
    assert result.limit_ms is None


def test_a_gap_between_accepted_and_late_answers_of_one_window_is_no_break() -> None:
    """A hot row may refuse all of its requests, and others of the same name be quick; or one answer
    be late by a lost packet. Redirects to a login page leave a gap, too, and have their status."""
    trials = list(rejected_by(cut_at(501.0, 499.8)))
    last = max(index for index, trial in enumerate(trials) if trial.failed)
    (one,) = trials[last].requests
    trials[last] = replace(trials[last], requests=(replace(one, slowest_ms=82.0),))

    assert result_of(tuple(trials)).shape is FailureShape.TOO_SLOW


def test_windows_in_which_nothing_is_late_need_not_come_near_the_limit() -> None:
    def quick_alone(one: RequestOutcomes, count: int) -> RequestOutcomes:
        return cut_at(501.0, 499.8 if count > 1 else 260.0)(one, count)

    assert result_of(rejected_by(quick_alone)).shape is FailureShape.TOO_SLOW


@pytest.mark.parametrize(
    ("limit_ms", "slowest_ms"),
    [
        pytest.param(20.0, 499.8, id="an accepted answer was slower"),
        pytest.param(5000.0, 60.0, id="no accepted answer came near: it hangs or gives up"),
    ],
)
@pytest.mark.parametrize("kind", ["rejected", "timeout"])
def test_failures_that_time_does_not_tell_from_right_answers_are_a_break(
    kind: str, limit_ms: float, slowest_ms: float
) -> None:
    result = result_of(rejected_by(cut_at(limit_ms, slowest_ms, kind), kind=kind))

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
    assert result.limit_ms is None


def test_a_bad_status_among_them_in_one_window_is_a_break() -> None:
    trials = list(rejected_by(cut_at(501.0, 499.8)))
    last = max(index for index, trial in enumerate(trials) if trial.failed)
    (one,) = trials[last].requests
    trials[last] = replace(trials[last], requests=(replace(one, late_ms={}),))

    assert result_of(tuple(trials)).shape is FailureShape.MORE_SERVERS


def test_wrong_answers_beside_late_ones_are_a_break() -> None:
    def both(one: RequestOutcomes, _: int) -> RequestOutcomes:
        if not one.failed:
            return replace(one, slowest_ms=499.8)
        kinds = {"rejected": one.failed - 20, "status 500": 20}
        return replace(one, kinds=kinds, slowest_ms=499.8, late_ms={"rejected": 501.0})

    result = result_of(rejected_by(both))

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
    assert result.counts[1].kinds == {"too slow": 360, "status 500": 120}


def test_older_journals_without_times_are_judged_as_they_were() -> None:
    result = result_of(rejected_by(lambda one, _: one))

    assert result.shape is FailureShape.MORE_SERVERS


@pytest.mark.parametrize(
    ("kind", "statuses", "waited_s", "expected"),
    [
        ("rejected", [200, 304], [0.6, 0.7], 600.0),
        ("rejected", [200, 302], [0.6, 0.7], None),
        ("rejected", [200, 404], [0.6, 0.7], None),
        ("rejected", [0], [0.6], None),
        ("timeout", [0, 0], [1.0, 1.1], 1000.0),
        ("timeout", [0], [30.0], None),
        ("status", [500], [0.6], None),
        ("rejected", [], [], None),
    ],
)
def test_only_good_answers_and_short_waits_may_be_late(
    kind: str, statuses: list[int], waited_s: list[float], expected: float | None
) -> None:
    waited_us = np.array([seconds * 1e6 for seconds in waited_s], dtype=np.int64)

    accepted = np.array([200], dtype=np.int64)
    found = late.late_ms(kind, np.array(statuses, dtype=np.int64), waited_us, accepted)
    assert found == expected


def test_a_redirect_may_be_late_where_accepted_answers_are_redirected_too() -> None:
    """As after a form that was sent (Post/Redirect/Get)."""
    statuses, waited_us, accepted = (np.array(each) for each in ([302], [600_000], [302]))

    assert late.late_ms("rejected", statuses, waited_us, accepted) == 600.0


def test_a_redirect_says_nothing_where_a_window_accepts_no_answer() -> None:
    """Other windows tell whether redirects are good."""
    statuses, waited_us, accepted = np.array([302]), np.array([600_000]), np.array([], dtype=int)

    assert late.late_ms("rejected", statuses, waited_us, accepted) == 600.0
