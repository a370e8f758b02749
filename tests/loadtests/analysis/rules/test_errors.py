import pytest

from loadtests.analysis.rules import errors
from loadtests.model.failures import FailureCount, FailureResult, FailureShape
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_trial

PLAN = make_plan()
CELL = make_cell()
HOLDS, BROKEN = RuleState.HOLDS, RuleState.BROKEN


@pytest.mark.parametrize(
    ("completed", "failed", "state"),
    [(1000, 0, HOLDS), (9991, 9, HOLDS), (9990, 10, BROKEN), (0, 5, BROKEN)],
)
def test_one_failure_in_a_thousand_is_too_many(
    completed: int, failed: int, state: RuleState
) -> None:
    trial = make_trial(completed=completed, failed=failed, failures={"status 500": failed})

    found = errors.errors(PLAN, CELL, [trial])

    assert found.state is state
    assert found.figure == failed / (completed + failed)


def test_failures_are_told_by_their_kinds_the_most_frequent_first() -> None:
    failures = {"timeout": 1, "status 500": 7, "reset": 2, "truncated": 1}

    found = errors.errors(PLAN, CELL, [make_trial(failed=11, failures=failures)])

    assert "(status 500 7, reset 2, timeout 1)" in found.detail


def test_no_request_at_all_is_no_success() -> None:
    found = errors.errors(PLAN, CELL, [make_trial(throughput_rps=0.0, completed=0)])

    assert (found.state, found.figure) == (BROKEN, None)


def a_result(
    shape: FailureShape, *, name: str | None = None, breaks_at: tuple[int, ...] = ()
) -> FailureResult:
    count = FailureCount(replicas=1, failed=40, total=1000, windows=4, failed_windows=4)
    return FailureResult(
        worker="gthread",
        workload="cpu",
        name=name,
        shape=shape,
        counts=(count,),
        breaks_at=breaks_at,
        detail="It is as it is.",
    )


def found_with(*results: FailureResult) -> Finding:
    trial = make_trial(completed=950, failed=50, failures={"status 500": 50})
    return errors.errors(PLAN, CELL, [trial], failures=results)


def test_failures_that_come_with_the_replicas_do_not_break_the_rule() -> None:
    found = found_with(a_result(FailureShape.MORE_SERVERS, breaks_at=(1, 2)))

    assert (found.state, found.figure) == (HOLDS, 0.0)
    assert "50 of them fail only with 1 replicas or more" in found.detail


def test_failures_of_other_requests_beside_them_still_do() -> None:
    found = found_with(a_result(FailureShape.MORE_SERVERS, name="GET /a", breaks_at=(1,)))

    assert (found.state, found.figure) == (BROKEN, 0.01)  # 40 of the 50 are explained


def test_what_breaks_at_other_counts_explains_nothing_here() -> None:
    assert found_with(a_result(FailureShape.MORE_SERVERS, breaks_at=(2, 4))).state is BROKEN


def test_a_broken_rule_says_how_the_failures_change_with_the_replicas() -> None:
    found = found_with(a_result(FailureShape.FALLING))

    assert found.state is BROKEN
    assert found.detail == "50 of 1000 requests failed (status 500 50). It is as it is."
