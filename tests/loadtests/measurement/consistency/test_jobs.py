"""What an answer names is asked by the load's own reads, wherever these have an id."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from loadtests.measurement.consistency.exchanges import MOST_GUESSES
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from tests.loadtests.measurement.consistency import job_apps as apps
from tests.loadtests.measurement.consistency.site import asked, breaks, request

PROCESS = request("POST /process", json={"size": 3})

IDS: list[Callable[[], str]] = [apps.an_uuid, apps.a_number, lambda: uuid4().hex]


@pytest.mark.parametrize("next_id", IDS)
@pytest.mark.parametrize("path", ["/status/{}", "/status?task={}", "/jobs/{}/result"])
def test_a_job_that_one_server_alone_knows_breaks(path: str, next_id: Callable[[], str]) -> None:
    old = request(f"GET {path.format(next_id())}", name="the state")

    results = asked(apps.jobs_in_memory(next_id), PROCESS, old, as_locustfile=True)

    (result,) = breaks(results)
    assert (result.kind, result.check) == (ProbeKind.WRITTEN, "the state")
    assert result.detail.startswith("What POST /process wrote through gthread-1 is not there")
    assert len(results) == 1


@pytest.mark.parametrize(
    ("next_id", "state"),
    [
        (apps.an_uuid, ProbeState.OK),
        (lambda: uuid4().hex, ProbeState.OK),
        (apps.a_number, ProbeState.UNCHECKED),  # another job may have had it before
    ],
)
@pytest.mark.parametrize("processes", [1, 3])
def test_a_job_that_all_know_is_ok_where_no_other_can_have_its_id(
    processes: int, next_id: Callable[[], str], state: ProbeState
) -> None:
    old = request(f"GET /status/{next_id()}", name="the state")

    results = asked(
        apps.jobs_in_a_database(next_id), PROCESS, old, processes=processes, as_locustfile=True
    )

    assert [(result.check, result.state) for result in results] == [("the state", state)]


def test_a_page_that_was_there_before_says_nothing_of_the_write() -> None:
    """A job is number 7, and so is an order of last year."""
    recorded = request("GET /orders/41", name="an order")

    (result,) = asked(apps.jobs_beside_old_orders, PROCESS, recorded, as_locustfile=True)

    assert (result.kind, result.state) == (ProbeKind.WRITTEN, ProbeState.UNCHECKED)
    assert result.detail == (
        "All 2 servers answered GET /orders/7 alike (4 answers). That page may be older than"
        " POST /process: nothing that was written is in it."
    )


def test_nor_does_a_page_of_a_list_of_requests_that_an_id_lies_in() -> None:
    write = request("POST /returns", json={"size": 3})

    results = asked(apps.jobs_beside_old_orders, write, request("GET /orders/{1..20}"))

    told = {result.kind: (result.state, result.detail) for result in results}
    assert told[ProbeKind.ANSWER][0] is ProbeState.OK
    assert told[ProbeKind.WRITTEN][0] is ProbeState.UNCHECKED
    assert "GET /orders/7 alike" in told[ProbeKind.WRITTEN][1]
    assert "may be older than POST /returns" in told[ProbeKind.WRITTEN][1]


def test_a_small_number_is_enough_where_the_page_shows_what_was_written() -> None:
    write = request("POST /process", json={"title": "a picture of Hamburg"})

    (result,) = asked(
        apps.titled_jobs_in_a_database, write, request("GET /status/41"), as_locustfile=True
    )

    assert (result.kind, result.state) == (ProbeKind.WRITTEN, ProbeState.OK)


def test_a_short_link_is_known_by_the_code_that_its_address_ends_in() -> None:
    write = request("POST /shorten", form={"url": "https://shop.example/a/long/address"})

    results = asked(apps.links_in_memory, write, request("GET /aB3_xY"), as_locustfile=True)

    assert {result.check for result in breaks(results)} == {"GET /aB3_xY"}


def test_a_read_is_told_as_it_is_where_no_id_leads_to_anything() -> None:
    """What was written has no page in this load."""
    old = request("GET /orders/41", name="an order")

    results = asked(apps.jobs_in_a_database(apps.a_number), PROCESS, old, as_locustfile=True)

    states = {result.check: result.state for result in results}
    assert states == {"an order": ProbeState.UNCHECKED, "POST /process": ProbeState.UNCHECKED}


def games(make: apps.Make, *, processes: int = 1) -> tuple[ProbeResult, ...]:
    return asked(
        make,
        request("POST /games", json={"size": 8}),
        request(
            f"POST /games/{uuid4()}/moves", json={"move": "knight takes bishop"}, name="a move"
        ),
        request("GET /board"),
        processes=processes,
        as_locustfile=True,
    )


def test_a_recorded_write_is_of_what_an_earlier_one_made() -> None:
    broken = breaks(games(apps.games_in_memory))

    assert {result.check for result in broken} == {"GET /board", "a move"}


@pytest.mark.parametrize("processes", [1, 3])
def test_it_is_no_break_where_all_servers_know_that(processes: int) -> None:
    results = games(apps.games_in_a_database, processes=processes)

    states = {result.check: result.state for result in results}
    assert breaks(results) == []
    assert states["GET /board"] is ProbeState.OK
    assert "a move" not in states


@pytest.mark.parametrize("processes", [1, 4])
def test_guesses_leave_time_for_the_rest(processes: int) -> None:
    paths: list[str] = []

    asked(
        apps.many_lists(paths),
        *[request(f"POST /lists/{name}") for name in "abcdefgh"],
        *[request(f"GET /entries/{name}/41") for name in "abcdefgh"],
        processes=processes,
        as_locustfile=True,
    )

    guesses = {path for path in paths if path.startswith("/entries/") and "/41" not in path}
    assert len(guesses) == MOST_GUESSES
    assert {path.split("/")[2] for path in guesses} == set("abcdefgh")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_says_nothing_is_not_asked_with_another_id(method: str) -> None:
    paths: list[str] = []
    moves = f"/games/{uuid4()}/moves"

    asked(
        apps.always_busy(paths),
        request("POST /games", json={"size": 8}),
        request(f"{method} {moves}"),
        as_locustfile=True,
    )

    assert set(paths) == {"/games", moves}


def test_a_list_of_requests_is_asked_as_it_is() -> None:
    old = request(f"GET /status/{uuid4()}", name="the state")

    results = asked(apps.jobs_in_memory(apps.an_uuid), PROCESS, old)

    states = {result.check: result.state for result in results}
    assert states == {"the state": ProbeState.UNCHECKED, "POST /process": ProbeState.UNCHECKED}


def test_a_job_may_have_the_recorded_id_again() -> None:
    """The servers began anew since, and count alone."""
    old = request("GET /status/7", name="the state")

    results = asked(apps.jobs_that_count_alone, PROCESS, old, as_locustfile=True)

    (result,) = breaks(results)
    assert (result.kind, result.check) == (ProbeKind.WRITTEN, "the state")
    assert len(results) == 1


def test_a_read_that_is_refused_is_told_although_an_answer_has_its_id() -> None:
    job, order = request("GET /status/7", name="the state"), request("GET /orders/7")

    results = asked(apps.jobs_that_count_alone, PROCESS, job, order, as_locustfile=True)

    states = {result.check: result.state for result in results}
    assert states == {"the state": ProbeState.BREAKS, "GET /orders/7": ProbeState.UNCHECKED}
