"""Sessions that another server does not know break, also where home forgets them by that."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency import session_apps as apps
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

LOGIN = request("POST /login", form={"user": "ada lovelace"})
ADD = request("POST /items", form={"name": "buy some milk"})
NEWS = request("POST /news")


def state_of(check: str, results: Sequence[ProbeResult]) -> ProbeState:
    (result,) = [result for result in results if result.check == check]
    return result.state


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_message_that_is_shown_once_hides_no_session_of_one_server(seed: int) -> None:
    results = asked(apps.messages_of_a_random_key, request("GET /"), ADD, start=[LOGIN], seed=seed)

    (result,) = breaks(results)
    assert (result.check, result.kind) == ("GET /", ProbeKind.ANSWER)
    assert result.detail.startswith("The cookie that gthread-1 gave is refused by gthread-2.")


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("start", [[], [LOGIN]])
def test_nor_does_it_break_by_itself(start: list[RequestSpec], processes: int) -> None:
    results = asked(
        apps.messages_of_one_key,
        *(request("GET /"), ADD),
        start=start,
        processes=processes,
        grows=True,
    )

    assert breaks(results) == []


def test_a_page_is_compared_without_the_message_that_it_showed_once() -> None:
    results = asked(apps.messages_of_one_key, request("GET /"), ADD, start=[LOGIN])

    assert state_of("GET /", results) is ProbeState.OK
    assert state_of("POST /items", results) is ProbeState.UNCHECKED


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("more", [[], [NEWS]])
def test_a_server_that_writes_into_a_session_it_cannot_read_ends_it(
    more: list[RequestSpec], seed: int
) -> None:
    results = asked(
        apps.carts_of_a_random_key,
        *(request("GET /"), request("GET /account"), *more),
        start=[LOGIN],
        seed=seed,
    )

    (result,) = breaks(results)
    assert result.detail == (
        "Asking gthread-2 ends the session that gthread-1 gave: gthread-1 answered GET / with 200"
        " Hello ada lovelace before (10 of 10 times), and with 200 Log in since (10 of 10 times)."
    )
    assert (result.right, result.wrong) == ({"gthread-1": 10}, {"gthread-1": 10})
    assert "SECRET_KEY" in result.remedy
    assert [one.check for one in results].count("GET /") == 1


def test_it_does_where_the_login_is_a_task_of_a_locustfile() -> None:
    results = asked(
        apps.carts_of_a_random_key, request("GET /"), LOGIN, as_locustfile=True, grows=True
    )

    assert [result.check for result in breaks(results)] == ["GET /"]


@pytest.mark.parametrize("make", [apps.carts_of_one_key, *map(apps.sessions_of, range(1, 13))])
@pytest.mark.parametrize("processes", [1, 4])
def test_a_session_that_all_servers_know_or_that_ends_by_itself_is_no_break(
    make: Make, processes: int
) -> None:
    pages = [request(f"GET /?page={number}") for number in range(3)]
    loads = (pages[:1], [*pages[:1], NEWS], [*pages, NEWS])

    assert [
        result.detail
        for load in loads
        for result in breaks(asked(make, *load, start=[LOGIN], processes=processes, grows=True))
    ] == []
