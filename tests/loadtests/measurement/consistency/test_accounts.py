"""Accounts, tokens and shared lists: logins are let in, and what is drawn at random is no break."""

from __future__ import annotations

import random

import pytest

from loadtests.model.consistency import ProbeState
from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency import account_apps as apps
from tests.loadtests.measurement.consistency.site import asked, breaks, request

OLD_TOKEN = "0123456789abcdef0123456789abcdef"
BEARER = {"Authorization": f"Bearer {OLD_TOKEN}"}
TOKEN_LOGIN = request("POST /token", form={"username": "ada", "password": "a secret"})

COLUMNS = {"user": tuple(apps.PEOPLE), "password": tuple(apps.PEOPLE.values())}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_login_by_columns_of_one_table_is_let_in(seed: int) -> None:
    results = asked(
        apps.notes_of_accounts_in_memory,
        request("GET /notes"),
        request("POST /notes", form={"text": "buy some milk"}),
        start=[request("POST /login", form={"user": "{user}", "password": "{password}"})],
        values=COLUMNS,
        seed=seed,
    )

    assert "GET /notes" in {result.check for result in breaks(results)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_write_that_has_the_account_is_of_the_same_account(seed: int) -> None:
    """At the other server, the write would be refused with another one's password."""
    login = {"user": "{user}", "password": "{password}"}

    results = asked(
        apps.notes_of_accounts_in_memory,
        request("GET /notes"),
        request("POST /login", form=login),
        request("POST /notes", form={"text": "buy some milk"}),
        start=[request("POST /login", form=login)],
        values=COLUMNS,
        seed=seed,
    )

    assert {result.check for result in breaks(results)} == {"GET /notes"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_token_of_the_last_login_is_sent(seed: int) -> None:
    old = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}

    results = asked(
        apps.notes_with_one_token,
        request("GET /notes", headers=old),
        request("POST /notes", json={"text": "buy some milk"}, headers=old),
        start=[request("POST /login", json={"user": "ada"})],
        as_locustfile=True,
        seed=seed,
    )

    assert {result.check for result in breaks(results)} == {"GET /notes"}


def by_token(line: str) -> RequestSpec:
    return request(line, headers=BEARER)


@pytest.mark.parametrize("line", ["GET /me", "GET /home"])
def test_a_token_that_the_other_server_does_not_know_breaks(line: str) -> None:
    (result,) = breaks(
        asked(apps.tokens_in_memory, by_token(line), start=[TOKEN_LOGIN], as_locustfile=True)
    )

    assert result.check == line
    assert result.detail.startswith("The token that gthread-1 gave is refused by gthread-2.")
    assert "SECRET_KEY" in result.remedy


def test_it_does_between_the_processes_of_one_server() -> None:
    (result,) = breaks(
        asked(
            apps.tokens_of_each_process,
            by_token("GET /me"),
            start=[TOKEN_LOGIN],
            processes=4,
            as_locustfile=True,
        )
    )

    assert result.one_server


def test_a_login_that_is_a_task_gives_its_token_too() -> None:
    results = asked(apps.tokens_in_memory, by_token("GET /me"), TOKEN_LOGIN, as_locustfile=True)

    assert {result.check for result in breaks(results)} == {"GET /me"}


@pytest.mark.parametrize("path", ["/register", "/auth/register", "/auth/sign-up"])
def test_a_registration_takes_the_place_of_no_login(path: str) -> None:
    register = request(f"POST {path}", form={"username": "eve", "password": "a secret"})

    results = asked(
        apps.tokens_in_memory,
        by_token("GET /me"),
        register,
        start=[TOKEN_LOGIN],
        as_locustfile=True,
    )

    assert "GET /me" in {result.check for result in breaks(results)}


def test_a_token_is_sent_in_the_header_that_the_load_has_for_it() -> None:
    old = request("GET /me", headers={"x-access-token": OLD_TOKEN})

    results = asked(apps.access_tokens_in_memory, old, start=[TOKEN_LOGIN], as_locustfile=True)

    assert {result.check for result in breaks(results)} == {"GET /me"}


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("as_task", [False, True])
def test_tokens_in_a_shared_store_are_no_break(processes: int, *, as_task: bool) -> None:
    results = asked(
        apps.tokens_in_a_database,
        by_token("GET /me"),
        by_token("GET /home"),
        *([TOKEN_LOGIN] if as_task else []),
        start=[] if as_task else [TOKEN_LOGIN],
        processes=processes,
        grows=True,
        as_locustfile=True,
    )

    assert breaks(results) == []
    assert [r.state for r in results if r.check in {"GET /me", "GET /home"}] == [ProbeState.OK] * 2


def test_laravels_field_is_a_token() -> None:
    form = "_token=0123456789abcdef&text=buy+some+milk"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    results = asked(
        apps.forms_with_laravels_token,
        request("GET /notes"),
        request("POST /notes", body=form, headers=kind),
        as_locustfile=True,
    )

    assert "GET /notes" in {result.check for result in breaks(results)}


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_random_pages_of_a_shared_list_are_no_processes(seed: int, processes: int) -> None:
    random.seed(seed)

    results = asked(
        apps.songs_in_random_pages,
        request("POST /songs", json={"title": "a song of our own"}),
        request("GET /next"),
        processes=processes,
        seed=seed,
    )

    assert breaks(results) == []


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_page_in_random_order_does_not_deny_what_was_written(seed: int, processes: int) -> None:
    random.seed(seed)

    results = asked(
        apps.quotes_in_random_order,
        request("POST /quotes", form={"text": "a quote of our own"}),
        processes=processes,
        seed=seed,
    )

    assert breaks(results) == []
