"""Whether a second login of an account ends the first session, at one server alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.analysis.consistency.lasting import ended_by_login
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency import account_apps as apps
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

LOGIN = request("POST /login", form={"user": "ada.lovelace"})
TOKEN_LOGIN = request("POST /token", form={"username": "ada", "password": "a secret"})
ME = request("GET /me")


def notes(results: Sequence[ProbeResult]) -> list[ProbeResult]:
    return [result for result in results if result.kind is ProbeKind.SESSION]


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("start", [(LOGIN,), ()])
def test_a_session_that_another_login_ends_is_no_break_and_a_note(
    start: tuple[RequestSpec, ...], processes: int, *, grows: bool
) -> None:
    task = [] if start else [LOGIN]

    results = asked(
        apps.one_session_of_each_account,
        ME,
        *task,
        start=start,
        processes=processes,
        grows=grows,
    )

    (note,) = notes(results)
    assert breaks(results) == []
    assert note.state is ProbeState.NOTE
    assert note.detail == (
        "Another login of the same account ends the first session, with one server, too: gthread-1"
        " answered GET /me with 200 Hello ada.lovelace before it, and with 401 logged in elsewhere"
        " since (10 of 10 times)."
    )
    assert ended_by_login(results) == {("gthread", "own")}


def test_a_locustfiles_login_is_a_second_one_too() -> None:
    results = asked(apps.one_session_of_each_account, ME, LOGIN, as_locustfile=True)

    assert breaks(results) == []
    assert len(notes(results)) == 1


def test_a_session_that_one_server_alone_knows_still_breaks() -> None:
    results = asked(apps.one_session_of_each_account_in_memory, ME, start=[LOGIN])

    assert {result.check for result in breaks(results)} == {"GET /me"}
    assert notes(results) == []


@pytest.mark.parametrize(
    ("make", "read", "login"),
    [
        (apps.tokens_in_a_database, request("GET /me", headers={"Authorization": "Bearer x"}), 0),
        (apps.notes_of_accounts_in_memory, request("GET /notes"), 1),
    ],
)
def test_sessions_that_last_beside_one_another_are_no_note(
    make: Make, read: RequestSpec, login: int
) -> None:
    logins = (TOKEN_LOGIN, request("POST /login", form={"user": "user1", "password": "secret1"}))

    results = asked(make, read, start=[logins[login]], as_locustfile=not login)

    assert notes(results) == []
    assert [result.state for result in results] == [ProbeState.OK]


def test_without_a_login_nothing_is_asked_twice() -> None:
    assert notes(asked(apps.one_session_of_each_account, ME)) == []
