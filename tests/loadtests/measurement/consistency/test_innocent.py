"""Applications that answer as one are never called broken, whatever changes in their answers."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import pytest

from loadtests.measurement.consistency.examination import Examination
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency import innocent_apps as apps
from tests.loadtests.measurement.consistency import innocent_limits as limits
from tests.loadtests.measurement.consistency import innocent_writes as writes
from tests.loadtests.measurement.consistency.innocent_apps import INNOCENT
from tests.loadtests.measurement.consistency.innocent_writes import INNOCENT_WRITES
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

MUTATION = "mutation ($text: String) { add(text: $text) { id } }"
SEARCH = "query ($text: String) { search(text: $text) { text } }"
TEXT = 'a+b/YXNrZWQ/ <"Молоко"> & co.\r\nthe second line'

FIELDS: dict[str, dict[str, Any]] = {
    "POST /login": {"form": {"user": "ada lovelace"}},
    "POST /notes": {"json": {"text": "a note of {1000..9999}"}},
    "POST /notes/": {"json": {"text": "a note of {1000..9999}"}},
    "POST /graphql?add": {"json": {"query": MUTATION, "variables": {"text": "buy some milk"}}},
    "POST /graphql?all": {"json": {"query": "{ notes }"}},
    "POST /graphql?search": {"json": {"query": SEARCH, "variables": {"text": "buy some milk"}}},
    "POST /texts": {"json": {"text": TEXT}},
    "POST /items": {"form": {"name": "item of {1000..9999}"}},
    "PUT /notes/a": {"body": "a note to keep"},
    "PUT /profile": {"json": {"city": "{Berlin|Paris|Oslo|Rome|Lima|Kyiv}"}},
    "POST /register": {"form": {"name": "name-{1000..9999}"}},
}


def requests_of(make: Make) -> list[RequestSpec]:
    return [request(line, **FIELDS.get(line, {})) for line in INNOCENT[make]]


def broken_in(make: Make, *, seeds: int) -> list[str]:
    """Give what is called broken, with one, two and four servers of one and of three processes."""
    random.seed(make.__name__)
    return [
        result.detail
        for servers, processes in itertools.product((1, 2, 4), (1, 3))
        for seed in range(seeds)
        for result in breaks(
            asked(
                make,
                *requests_of(make),
                servers=servers,
                processes=processes,
                seed=seed,
                grows=True,
            )
        )
    ]


@pytest.mark.parametrize("make", INNOCENT, ids=lambda make: make.__name__)
def test_an_application_that_answers_as_one_never_breaks(make: Make) -> None:
    assert broken_in(make, seeds=1) == []


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("make", INNOCENT, ids=lambda make: make.__name__)
def test_nor_does_it_in_any_of_120_runs(make: Make) -> None:
    assert broken_in(make, seeds=20) == []


def test_what_servers_share_is_called_ok_and_not_only_not_broken() -> None:
    results = asked(apps.shared_database, *requests_of(apps.shared_database), servers=4)

    states = {result.check: (result.kind, result.state) for result in results}
    assert states["GET /me"] == (ProbeKind.WRITTEN, ProbeState.OK)
    assert states["GET /notes/{1..9999}"] == (ProbeKind.WRITTEN, ProbeState.OK)


def test_a_limit_that_each_server_counts_alone_is_a_note_with_the_setting() -> None:
    results = asked(limits.limit_in_memory, request("GET /"))

    (note,) = [result for result in results if result.kind is ProbeKind.LIMIT]
    assert note.state is ProbeState.NOTE
    assert note.detail.startswith("Each server counts the rate limit alone: gthread-1 had ")
    assert "storage_uri" in note.remedy


def test_what_expires_while_a_further_server_starts_is_no_break() -> None:
    results = asked(
        limits.notes_that_expire,
        *requests_of(limits.notes_that_expire),
        grows=True,
        start_s=limits.LASTS_S + 0.1,
    )

    (start,) = [result for result in results if result.kind is ProbeKind.START]
    assert start.state is ProbeState.NOTE
    assert "forgets as much in that time without a further server" in start.detail


def test_nor_is_what_expires_since_it_was_written_although_a_start_takes_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Examination.run

    def slowly(examination: Examination) -> tuple[ProbeResult, ...]:
        results = run(examination)
        time.sleep(limits.LASTS_S / 2)
        return results

    monkeypatch.setattr(Examination, "run", slowly)
    make = limits.notes_that_expire

    results = asked(make, *requests_of(make), grows=True, start_s=limits.LASTS_S / 2 + 0.1)

    (start,) = [result for result in results if result.kind is ProbeKind.START]
    assert start.state is ProbeState.NOTE


@pytest.mark.parametrize("make", INNOCENT_WRITES, ids=lambda make: make.__name__)
def test_what_the_checks_wrote_over_is_no_damage_of_a_start(make: Make) -> None:
    results = asked(make, *requests_of(make), grows=True)

    (start,) = [result for result in results if result.kind is ProbeKind.START]
    if make is writes.one_session_a_user:  # the login at the other server ended the session
        assert start.state is ProbeState.UNCHECKED
        assert start.detail == (
            "No further server was started: since the checks wrote at the other servers, too,"
            " gthread-1 does not answer GET /me as before."
        )
    else:
        assert start.state is ProbeState.OK


def test_content_that_differs_is_a_note_with_both_bodies() -> None:
    results = asked(apps.metrics_of_each_process, request("GET /"))

    assert {result.state for result in results} <= {ProbeState.NOTE, ProbeState.OK}
