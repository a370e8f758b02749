"""Limits of the rate that an application answers with another status than 429."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.model.failures import AnswerExample, FailureShape
from tests.loadtests.analysis.failures.failing import failing, results


@pytest.mark.parametrize("status", [403, 503])
def test_a_limit_of_the_applications_own_is_no_break_whatever_its_status(status: int) -> None:
    """django-ratelimit answers with 403; the users of more replicas are more from one address."""
    example = AnswerExample(
        name="GET /me",
        outcome="status",
        status=status,
        replica="gthread-2",
        body_start='{"detail": "Rate limit exceeded"}',
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
    assert plain.breaks_at == (2, 4)  # without the words, a refusal may be anything
