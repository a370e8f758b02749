"""What an answer names is asked by the load's own reads, wherever these have an id."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

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


@pytest.mark.parametrize("next_id", IDS)
@pytest.mark.parametrize("processes", [1, 3])
def test_a_job_that_all_know_is_ok(processes: int, next_id: Callable[[], str]) -> None:
    old = request(f"GET /status/{next_id()}", name="the state")

    results = asked(
        apps.jobs_in_a_database(next_id), PROCESS, old, processes=processes, as_locustfile=True
    )

    assert [(result.check, result.state) for result in results] == [("the state", ProbeState.OK)]


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
