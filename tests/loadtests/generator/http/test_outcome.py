from __future__ import annotations

from types import SimpleNamespace

import pytest

from loadtests.generator.http.outcome import (
    OUTCOME_NAMES,
    Outcome,
    RequestFailed,
    counted_status,
)


def test_a_kinds_value_is_the_index_of_its_name() -> None:
    assert all(OUTCOME_NAMES[outcome] == outcome.name.lower() for outcome in Outcome)


def test_locusts_statistics_group_failures_of_one_kind() -> None:
    first, second = RequestFailed(Outcome.RESET, ""), RequestFailed(Outcome.RESET, "")

    assert repr(first) == repr(second) == "RequestFailed('reset')"
    assert str(RequestFailed(Outcome.STATUS, "503")) == "status: 503"


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        (Outcome.OK, 200, 302),
        (Outcome.REJECTED, 200, 302),
        (Outcome.REJECTED, 500, 500),
        (Outcome.STATUS, 404, 404),
    ],
)
def test_an_answer_that_is_no_error_counts_by_its_first_redirect(
    outcome: Outcome, status: int, expected: int
) -> None:
    redirects = [SimpleNamespace(status_code=302), SimpleNamespace(status_code=301)]

    assert counted_status(outcome, status, redirects) == expected
    assert counted_status(outcome, status, ()) == status
