"""A store that is asked by its own client: what its sessions do, and why it does not tell."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from loadtests.measurement.profiles import asked_sessions, store_sessions
from loadtests.measurement.profiles.asked_sessions import AskedLooking
from loadtests.measurement.profiles.looking import Seen
from loadtests.model.errors import ProcessFailure

NOTHING_SEEN = Seen(stacks=(), looks=(), failures={}, processes=1, looking_s=0.0, span_s=2.0)


def asked(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> AskedLooking:
    """Look at a MySQL whose only session waits for a row."""

    def ask(member: str) -> Sequence[tuple[str, str, str]]:
        assert member == "db"
        if error is not None:
            raise error
        return [("Lock", "tuple", 'UPDATE stock SET note = "secret"')]

    monkeypatch.setattr(asked_sessions, "ASKED_PER_S", 200.0)
    looking = AskedLooking("db", ask)
    looking.start()
    time.sleep(0.05)
    looking.stop()
    return looking


def test_sessions_of_mysql_are_counted_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking = asked(monkeypatch)
    profile = looking.seen()

    assert profile is not None
    assert profile.address == "db (MySQL)"
    assert {each.statement for each in profile.sessions} == {"UPDATE stock SET note = ?"}
    variables = {"A": "mysql://db/shop", "B": "redis://cache"}
    told = store_sessions.told_of_store(variables, looking, NOTHING_SEEN)
    assert told == "Only MySQL's sessions are looked at, not those of Redis."


@pytest.mark.parametrize(
    "error", [ProcessFailure("ERROR 1045: Access denied"), ValueError("ERROR 1045: Access denied.")]
)
def test_a_mysql_that_does_not_tell_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    looking = asked(monkeypatch, error)

    assert looking.seen() is None
    assert looking.failure == (
        "The sessions of db (MySQL) were not looked at: ERROR 1045: Access denied."
    )
