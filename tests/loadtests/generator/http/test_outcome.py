from __future__ import annotations

from loadtests.generator.http.outcome import OUTCOME_NAMES, Outcome, RequestFailed


def test_a_kinds_value_is_the_index_of_its_name() -> None:
    assert all(OUTCOME_NAMES[outcome] == outcome.name.lower() for outcome in Outcome)


def test_locusts_statistics_group_failures_of_one_kind() -> None:
    first, second = RequestFailed(Outcome.RESET, ""), RequestFailed(Outcome.RESET, "")

    assert repr(first) == repr(second) == "RequestFailed('reset')"
    assert str(RequestFailed(Outcome.STATUS, "503")) == "status: 503"
