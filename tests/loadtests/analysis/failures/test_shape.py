"""What is said of failures, by how they change with the replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.analysis.failures import shape, wording
from loadtests.analysis.rules import registry
from loadtests.model.failures import AnswerExample, FailureShape
from loadtests.model.result import RunResult
from loadtests.model.trial import HostUse, Trial
from loadtests.model.vocabulary import RuleCode, Verdict
from tests.loadtests.analysis.failures.failing import (
    PER_REPLICA,
    PLAN,
    failing,
    none,
    outcomes,
    results,
    the_result,
)
from tests.loadtests.builders import make_result, make_trials


def test_none_at_one_and_some_at_two_breaks_from_two_on() -> None:
    result = the_result(lambda count: 0 if count == 1 else 40)

    assert result.shape is FailureShape.MORE_SERVERS
    assert result.breaks_at == (2, 4)
    assert result.chance is not None
    assert result.chance < 1e-20
    assert result.detail.startswith(
        "From 2 replicas on, requests fail: 0 of 1,200 at 1, 240 of 2,400 at 2, 240 of 4,800 at 4"
        " replicas (status 401 480)."
    )
    assert "SECRET_KEY" in result.remedy


def test_what_fails_at_four_alone_breaks_at_four_alone() -> None:
    result = the_result(lambda count: 40 if count == 4 else 0, kind="status 500")

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (4,))


@pytest.mark.parametrize("per_mille", [2, 20, 500])
def test_the_same_share_at_every_count_is_no_break(per_mille: int) -> None:
    result = the_result(lambda count: max(1, PER_REPLICA * count * per_mille // 1000))

    assert (result.shape, result.breaks_at) == (FailureShape.ALIKE, ())
    assert "about the same share with any number of replicas" in result.detail


def test_a_share_that_falls_names_what_is_too_small() -> None:
    example = AnswerExample(
        name="GET /me",
        outcome="status",
        status=500,
        replica="gthread-1",
        log_line="sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached",
    )
    trials = [
        replace(trial, examples=(example,))
        for trial in failing(lambda count: 30 // count, kind="status 500")
    ]

    (result,) = results(trials)

    assert result.shape is FailureShape.FALLING
    assert "less often with more replicas (180 of 1,200 at 1," in result.detail
    assert "Its log says: sqlalchemy.exc.TimeoutError: QueuePool limit" in result.detail
    assert result.cause == "a replica's own connection pool is too small"
    assert "pool_size" in result.remedy


def test_some_at_one_and_more_with_more_is_no_break_by_itself() -> None:
    result = the_result(lambda count: {1: 20, 2: 100, 4: 300}[count])

    assert (result.shape, result.breaks_at) == (FailureShape.RISING, ())


def test_what_no_request_did_at_one_is_not_said_to_have_been_there() -> None:
    trials = failing(lambda count: 0 if count == 1 else 40)

    (result,) = results([trial for trial in trials if trial.spec.round <= 2])

    assert result.shape is FailureShape.RISING
    assert result.detail.startswith("Requests failed with more replicas only (0 of ")
    assert "replicas), in too few windows to call that a break." in result.detail


def test_enough_windows_are_not_said_to_be_too_few() -> None:
    result = the_result(lambda count: 0 if count == 1 else 40, kind="status 502")

    assert result.shape is FailureShape.RISING
    assert "at 4 replicas). " in f"{result.detail} "


@pytest.mark.parametrize("kind", ["status 502", "status 504", "reset", "refused", "malformed"])
def test_what_the_connection_or_the_proxy_did_is_no_break(kind: str) -> None:
    result = the_result(lambda count: 0 if count == 1 else 40, kind=kind)

    assert result.shape is not FailureShape.MORE_SERVERS
    assert result.breaks_at == ()


def test_a_limit_that_only_many_servers_reach_is_no_break() -> None:
    result = the_result(lambda count: 200 if count == 4 else 0, kind="status 429")

    assert (result.shape, result.breaks_at) == (FailureShape.LIMITED, ())


def answered_by_nginx(status: int) -> list[Trial]:
    """Give trials whose failures with more than one replica are pages of an nginx."""
    page = f"<html><title>{status}</title><body><hr><center>nginx/1.26.3</center></body></html>"
    example = AnswerExample(name="GET /me", outcome="status", status=status, body_start=page)
    kind = f"status {status}"
    return [
        replace(trial, examples=(example,) if trial.failed else ())
        for trial in failing(lambda count: 0 if count == 1 else 60 * count, kind=kind)
    ]


def test_a_limit_of_the_proxy_in_front_is_no_break_of_the_application() -> None:
    """nginx's limit_req answers with 503 and a page of its own, and names no replica."""
    trials = answered_by_nginx(503)

    (result,) = results(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.LIMITED, ())
    assert "A limit refuses requests: 0 of 1,200 at 1" in result.detail
    assert "status 503" in result.detail
    assert "limit_req" in result.remedy
    assert concluded(trials).verdict is Verdict.INVALID


def with_examples(trials: list[Trial], **fields: str) -> list[Trial]:
    return [
        replace(trial, examples=tuple(replace(one, **fields) for one in trial.examples))  # type: ignore[arg-type]
        for trial in trials
    ]


SHORTAGE = "2026/11/29 16:28:17 [alert] 7#7: *9 512 worker_connections are not enough"


def test_want_of_connections_in_the_nginx_in_front_is_no_break() -> None:
    trials = with_examples(answered_by_nginx(500), log_line=SHORTAGE)

    (result,) = results(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.LIMITED, ())
    assert "The proxy's log says: 2026/11/29" in result.detail
    assert "worker_connections are not enough" in result.detail
    assert "Raise worker_connections" in result.remedy
    assert concluded(trials).verdict is Verdict.INVALID


def test_a_page_of_an_nginx_for_a_fault_is_a_break_unless_its_log_tells_of_a_shortage() -> None:
    """A refused ``auth_request`` gives the same page, and the application is at fault."""
    trials = answered_by_nginx(500)

    (result,) = results(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
    assert "never saw" not in result.detail
    assert "auth request unexpected status" in result.remedy
    assert concluded(trials).verdict is Verdict.BREAKS


def test_closed_connections_beside_the_proxys_pages_change_nothing() -> None:
    trials = with_examples(answered_by_nginx(500), log_line=SHORTAGE)
    mixed = [
        replace(
            trial,
            requests=tuple(
                replace(
                    request,
                    failed=request.failed * 4,
                    kinds={**request.kinds, "reset": request.failed * 3},
                )
                if request.failed
                else request
                for request in trial.requests
            ),
        )
        for trial in trials
    ]

    (result,) = results(mixed)

    assert result.breaks_at == ()


def test_a_fault_of_an_nginx_inside_of_a_replica_is_the_applications() -> None:
    trials = with_examples(answered_by_nginx(500), replica="gthread-2")

    (result,) = results(trials)

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))


def test_a_page_of_the_application_counts_more_than_one_of_the_proxy() -> None:
    own = AnswerExample(
        name="GET /me", outcome="status", status=500, body_start="<h1>Internal Server Error</h1>"
    )
    trials = [
        replace(trial, examples=(*trial.examples, own) if trial.examples else ())
        for trial in answered_by_nginx(500)
    ]

    (result,) = results(trials)

    assert (result.shape, result.wrong) == (FailureShape.MORE_SERVERS, own)


def test_a_page_of_a_replicas_own_nginx_is_an_answer_of_the_application() -> None:
    """An upload lies on the first replica's disk; the second's nginx does not find it."""
    (result,) = results(answered_by_nginx(404))

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))


def test_a_single_failure_is_told_as_chance() -> None:
    rare = iter([1])

    result = the_result(lambda count: next(rare, 0) if count == 4 else 0)

    assert result.shape is FailureShape.NONE
    assert "0 of 1,200 at 1, 0 of 2,400 at 2, 1 of 4,800 at 4 replicas. That may be chance" in (
        result.detail
    )


def test_where_nothing_failed_what_could_have_been_seen_is_said() -> None:
    (result,) = results(failing(none), finished=True)

    assert result.shape is FailureShape.NONE
    assert result.detail == "None of 8,400 requests failed."
    assert set(result.visible_ratio) == {2, 4}
    assert wording.visible(result).startswith("A fault in 1 in ")


def test_while_a_run_goes_on_that_is_not_worked_out() -> None:
    assert the_result(none).visible_ratio == {}


def test_each_request_is_judged_by_itself_beside_all_together() -> None:
    trials = [
        replace(
            trial,
            requests=(
                outcomes(0, replicas=count, name="GET /"),
                outcomes(0 if count == 1 else 2 * count, replicas=count, name="GET /cart"),
            ),
        )
        for trial in make_trials(PLAN)
        for count in [trial.spec.cell.replicas]
    ]

    found = {result.name: result for result in results(trials)}

    assert set(found) == {None, "GET /cart"}
    assert found["GET /cart"].breaks_at == (2, 4)
    assert found["GET /cart"].detail.startswith("From 2 replicas on, requests GET /cart fail:")


def test_both_answers_and_the_line_of_the_log_are_told() -> None:
    right = AnswerExample(name="GET /me", outcome="ok", status=200, body_start="ada")
    wrong = AnswerExample(
        name="GET /me",
        outcome="status",
        status=401,
        replica="gthread-2",
        body_start="nobody\n is logged in",
        log_line="itsdangerous.exc.BadSignature: Signature b'x' does not match",
    )
    trials = [
        replace(trial, examples=(right,) if trial.spec.cell.replicas == 1 else (wrong,))
        for trial in failing(lambda count: 0 if count == 1 else 40)
    ]

    (result,) = results(trials)

    assert (result.right, result.wrong) == (right, wrong)
    assert (
        "gthread-2 answered 401 nobody is logged in to GET /me. A right answer is 200 ada."
        " Its log says: itsdangerous.exc.BadSignature: Signature b'x' does not match"
    ) in result.detail


def test_a_journal_without_names_has_no_shapes() -> None:
    assert shape.results(PLAN, make_trials(PLAN), finished=True) == ()


# -- the verdict that follows ----------------------------------------------------------------------


def concluded(trials: Sequence[Trial]) -> RunResult:
    failures = results(trials)
    findings = registry.check(PLAN, trials, (), failures)
    return make_result(PLAN, trials, findings=findings, failures=failures)


def verdicts(result: RunResult) -> list[Verdict]:
    return [doubling.verdict for doubling in result.doublings]


def test_a_run_breaks_at_the_doublings_that_fail_and_scales_at_the_others() -> None:
    result = concluded(failing(lambda count: 40 if count == 4 else 0, kind="status 500"))

    assert verdicts(result) == [Verdict.SCALES, Verdict.BREAKS]
    assert result.verdict is Verdict.BREAKS
    assert "status 500" in result.reason
    assert RuleCode.ERRORS not in {finding.code for finding in result.broken}


def test_a_run_that_fails_alike_is_invalid() -> None:
    result = concluded(failing(lambda count: 20 * count))

    assert result.verdict is Verdict.INVALID
    assert {finding.code for finding in result.broken} == {RuleCode.ERRORS}


def test_where_the_machine_was_taken_failures_prove_nothing() -> None:
    busy = HostUse(steal_ratio=0.0, foreign_ratio=0.4)
    trials = [replace(t, host=busy) for t in failing(lambda count: 0 if count == 1 else 40)]

    assert concluded(trials).verdict is Verdict.INVALID


def test_the_factor_is_that_of_the_correct_answers() -> None:
    """Half of the requests fail with two replicas: the throughput is that of the other half."""
    trials = [
        replace(trial, throughput_rps=100.0)
        for trial in failing(lambda count: 0 if count == 1 else 100 * count)
    ]

    (first, _) = concluded(trials).doublings

    assert first.factor.estimate == pytest.approx(1.0)
