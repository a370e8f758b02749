"""Users who share accounts of which a second login ends the first session."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.rules import errors
from loadtests.model.failures import AnswerExample, FailureResult, FailureShape
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.analysis.failures.failing import PLAN, Fails, failing, results
from tests.loadtests.analysis.failures.test_redirects import redirecting
from tests.loadtests.builders import make_cell

HERE = frozenset({("gthread", "cpu")})


def with_two(count: int) -> int:
    """Give the failures of a load whose list of accounts is enough for one replica."""
    return 0 if count == 1 else 40


def told(fails: Fails, losing: Collection[tuple[str, str]] = HERE, **fields: Any) -> FailureResult:
    (result,) = results(failing(fails, **fields), losing_sessions=losing)
    return result


def test_users_who_lose_their_session_to_one_another_are_no_break() -> None:
    result = told(with_two)

    assert (result.shape, result.breaks_at) == (FailureShape.SHARED_ACCOUNTS, ())
    assert result.detail == (
        "Users who had logged in are refused: 0 of 1,200 at 1, 240 of 2,400 at 2, 240 of 4,800 at 4"
        " replicas (status 401 480). Users share accounts, and a second login of an account ends"
        " its first session, with one server, too."
    )
    assert "an account of its own" in result.remedy


@pytest.mark.parametrize("kind", ["status 500", "timeout", "rejected"])
def test_what_is_no_refusal_still_breaks(kind: str) -> None:
    result = told(with_two, kind=kind)

    assert (result.shape, result.breaks_at) == (FailureShape.MORE_SERVERS, (2, 4))


def test_of_another_variant_or_workload_nothing_is_excused() -> None:
    others = {("sync", "cpu"), ("gthread", "own")}

    assert told(with_two, others).breaks_at == (2, 4)


def test_as_many_with_one_replica_are_told_with_their_cause() -> None:
    result = told(lambda count: 100 * count)

    assert result.shape is FailureShape.SHARED_ACCOUNTS


def rejected(fails: Fails, example: AnswerExample) -> tuple[Trial, ...]:
    trials = failing(fails, kind="rejected")
    return tuple(replace(trial, examples=(example,)) for trial in trials)


@pytest.mark.parametrize(
    ("status", "location", "is_told"),
    [(302, "/login?next=/me", True), (302, "/cart", False), (200, None, False)],
)
def test_what_the_load_rejects_is_a_refusal_by_its_answer(
    status: int, location: str | None, *, is_told: bool
) -> None:
    example = AnswerExample(name="GET /me", outcome="rejected", status=status, location=location)

    (result,) = results(rejected(with_two, example), losing_sessions=HERE)

    assert (result.shape is FailureShape.SHARED_ACCOUNTS) is is_told


def test_redirects_to_a_login_count_as_failures_of_such_users() -> None:
    """To the generator they are good answers, which cost next to nothing."""
    example = AnswerExample(name="GET /me", outcome="ok", status=302, location="/login")
    trials = [
        replace(trial, examples=(example,))
        for trial in redirecting(lambda count: 0 if count == 1 else 100 * count)
    ]
    (result,) = results(trials, losing_sessions=HERE)
    two = [trial for trial in trials if trial.spec.cell.replicas == 2]
    one = [trial for trial in trials if trial.spec.cell.replicas == 1]

    assert result.shape is FailureShape.SHARED_ACCOUNTS
    found = errors.errors(PLAN, make_cell(replicas=2), two, failures=(result,))
    assert (found.state, found.figure) == (RuleState.BROKEN, 0.5)
    assert "Users who had logged in are refused" in found.detail
    alone = errors.errors(PLAN, make_cell(replicas=1), one, failures=(result,))
    assert alone.state is RuleState.HOLDS
