"""What is said and shown of failures: whose limit it is, and which answer explains most."""

from __future__ import annotations

from dataclasses import replace

from loadtests.model.failures import AnswerExample, FailureShape
from tests.loadtests.analysis.failures.failing import PER_REPLICA, failing, results, the_result


def test_a_limiter_is_told_apart_whether_it_counts_by_process_or_for_all() -> None:
    by_process = the_result(lambda count: 100 * count, kind="status 429")
    for_all = the_result(lambda count: PER_REPLICA * count - 100, kind="status 429")

    for result in (by_process, for_all):
        assert (result.shape, result.breaks_at) == (FailureShape.LIMITED, ())
        assert "RATELIMIT_STORAGE_URI" in result.remedy
    assert "share one limit" in for_all.detail
    assert by_process.detail.endswith(
        " 4 replicas accept 4.0 times what 1 accept: either each process counts alone, or each user"
        " has a limit of their own, for more replicas get more users. The application limits the"
        " rate of its users."
    )


def test_that_each_process_counts_alone_is_said_where_it_was_seen() -> None:
    trials = failing(lambda count: 100 * count, kind="status 429")

    (seen,) = results(trials, counting_alone={"gthread"})
    (other,) = results(trials, counting_alone={"sync"})

    assert "accept: each process counts alone, so the limit grows with the servers." in seen.detail
    assert "accept: either each process counts alone, or " in other.detail


def test_a_page_of_our_own_proxy_among_the_failures_of_the_application_changes_nothing() -> None:
    page = "<html><body><hr><center>nginx/1.26.3</center></body></html>"
    of_proxy = AnswerExample(name="GET /me", outcome="status", status=502, body_start=page)
    own = AnswerExample(name="GET /me", outcome="status", status=401, body_start="nobody")

    for examples, wrong in (((of_proxy, own), own), ((of_proxy,), None)):
        trials = [
            replace(
                trial,
                examples=examples if trial.failed else (),
                requests=tuple(
                    replace(one, failed=one.failed + 1, kinds={**one.kinds, "status 502": 1})
                    for one in trial.requests
                ),
            )
            for trial in failing(lambda count: 0 if count == 1 else 40)
        ]

        (result,) = results(trials)

        assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))
        assert result.wrong == wrong
        assert "SECRET_KEY" in result.remedy


def test_of_several_failures_the_commonest_kind_is_shown() -> None:
    rare = AnswerExample(name="GET /me", outcome="status", status=500, log_line="ValueError: x")
    common = AnswerExample(name="GET /me", outcome="status", status=401, body_start="nobody")
    trials = [
        replace(
            trial,
            examples=(rare, common) if trial.failed else (),
            requests=tuple(
                replace(one, kinds={**one.kinds, **({"status 500": 1} if trial.failed else {})})
                for one in trial.requests
            ),
        )
        for trial in failing(lambda count: 0 if count == 1 else 40)
    ]

    (result,) = results(trials)

    assert result.wrong == common
