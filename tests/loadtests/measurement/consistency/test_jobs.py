"""What an answer names is asked by the load's own reads, wherever these have an id."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from loadtests.model.consistency import ProbeKind, ProbeState
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
