"""Limits of the rate that an application answers with another status than 429."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.analysis.failures import counting
from loadtests.model.failures import AnswerExample, FailureShape
from tests.loadtests.analysis.failures.failing import failing, results


@pytest.mark.parametrize(
    ("status", "body_start"),
    [
        (403, '{"detail": "Rate limit exceeded"}'),
        (503, '{"detail": "Rate limit exceeded"}'),
        (403, '{"error": "rate_limit_exceeded"}'),
        (400, '{"detail": "Request was throttled."}'),
    ],
)
def test_a_limit_of_the_applications_own_is_no_break_whatever_its_status(
    status: int, body_start: str
) -> None:
    """django-ratelimit answers with 403; the users of more replicas are more from one address."""
    example = AnswerExample(
        name="GET /me",
        outcome="status",
        status=status,
        replica="gthread-2",
        body_start=body_start,
    )
    failed = failing(lambda n: 0 if n == 1 else 60 * n, kind=f"status {status}")
    trials = [replace(each, examples=(example,) if each.failed else ()) for each in failed]
    others = [
        replace(each, examples=tuple(replace(one, body_start="no") for one in each.examples))
        for each in trials
    ]

    (result,), (plain,) = results(trials), results(others)

    assert (result.shape, result.breaks_at) == (FailureShape.LIMITED, ())
    assert "limits the rate" in result.cause
    assert "RATELIMIT_ENABLED" in result.remedy
    assert plain.breaks_at == (2, 4)  # without the words, a refusal may be anything


@pytest.mark.parametrize(
    ("outcome", "status", "fields"),
    [
        ("status", 401, {"log_line": "UserWarning: Using the in-memory storage for rate limits"}),
        ("rejected", 200, {"body_start": "Your plan: a rate limit of 100 requests an hour."}),
    ],
)
def test_a_log_or_a_page_that_only_tells_of_limits_excuses_nothing(
    outcome: str, status: int, fields: dict[str, str]
) -> None:
    told = {"body_start": "Please log in."} | fields
    example = AnswerExample(
        name="GET /me", outcome=outcome, status=status, replica="gthread-2", **told
    )
    kind = f"status {status}" if outcome == "status" else outcome
    failed = failing(lambda n: 0 if n == 1 else 60 * n, kind=kind)

    (result,) = results(
        [replace(each, examples=(example,) if each.failed else ()) for each in failed]
    )

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))


def test_what_a_load_rejects_by_its_status_is_of_that_status() -> None:
    """``expect = 200`` and ``if r.status_code != 200: r.failure()`` say no more than 429 does."""
    assert counting.kind_of("rejected", 429) == "status 429"
    assert counting.kind_of("rejected", 200) == "rejected"
    assert counting.kind_of("timeout", 0) == "timeout"


@pytest.mark.parametrize("status", [500, 503])
def test_a_friendly_page_hides_no_store_that_refuses_connections(status: int) -> None:
    example = AnswerExample(
        name="GET /me",
        outcome="status",
        status=status,
        replica="gthread-2",
        body_start='{"error": "Too many requests, try again later"}',
        log_line="FATAL:  sorry, too many clients already",
    )
    failed = failing(lambda n: 60 * n if n == 4 else 0, kind=f"status {status}")

    (result,) = results(
        [replace(each, examples=(example,) if each.failed else ()) for each in failed]
    )

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (4,))
    assert "connections" in result.cause
