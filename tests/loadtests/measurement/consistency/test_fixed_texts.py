"""What is written with the same text every time is told from what was there before."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from tests.loadtests.measurement.consistency import broken_apps as broken
from tests.loadtests.measurement.consistency import fixed_apps as apps
from tests.loadtests.measurement.consistency import innocent_apps
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

MILK = request("POST /notes", json={"text": "buy milk"})
CITY = request("PUT /profile", json={"city": "Berlin"})
READ = request("GET /profile")
ID = "123e4567-e89b-42d3-a456-426614174000"


def states(results: tuple[ProbeResult, ...]) -> dict[str, tuple[ProbeKind, ProbeState]]:
    return {result.check: (result.kind, result.state) for result in results}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("servers", [2, 4])
def test_notes_on_each_servers_disk_break_although_all_have_the_text(
    seed: int, servers: int
) -> None:
    list_of_notes = request("GET /notes")

    results = asked(
        broken.sqlite_in_the_container,
        list_of_notes,
        MILK,
        before=[MILK],
        seed=seed,
        servers=servers,
    )

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /notes", "POST /notes")
    assert result.kind is ProbeKind.WRITTEN


@pytest.mark.parametrize("before", [[CITY], []])
def test_so_does_a_profile_that_each_server_has(before: list[Any]) -> None:
    (result,) = breaks(asked(apps.city_on_own_disk, CITY, READ, before=before))

    assert result.check == "GET /profile"
    assert result.detail.startswith(
        "What PUT /profile wrote through gthread-1 is not there at gthread-2"
    )


def test_what_one_replica_alone_had_before_is_no_proof_that_it_is_shared() -> None:
    """The check trial of a load goes to one replica, which need not be home."""
    (result,) = breaks(
        asked(apps.city_on_own_disk, CITY, READ, before=[CITY], before_at=["gthread-2"])
    )

    assert result.written_by == "gthread-1"


@pytest.mark.parametrize(
    "body",
    [f'{{"text": "{ID}"}}', f'{{"text": "note {ID}"}}', '{"text": "buy milk"}'],
)
def test_the_recorded_text_of_a_locustfile_is_one_that_was_there_before(body: str) -> None:
    kind = {"Content-Type": "application/json"}
    write = request("POST /notes", body=body, headers=kind, name="POST /notes")
    read = request("GET /notes", name="GET /notes")

    results = asked(broken.sqlite_in_the_container, write, read, before=[write], as_locustfile=True)

    assert [result.check for result in breaks(results)] == ["GET /notes"]


def test_so_is_that_of_a_form() -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    write = request("POST /notes", body="text=buy+milk", headers=kind, name="POST /notes")
    read = request("GET /notes", name="GET /notes")

    results = asked(apps.sqlite_of_forms, write, read, before=[write], as_locustfile=True)

    assert [result.check for result in breaks(results)] == ["GET /notes"]


@pytest.mark.parametrize("servers", [1, 2, 4])
def test_what_all_share_is_ok_and_has_the_loads_own_text_again_at_the_end(servers: int) -> None:
    shared: dict[str, Any] = {}

    results = asked(
        apps.city_in_a_database,
        CITY,
        READ,
        before=[CITY],
        grows=True,
        shared=shared,
        servers=servers,
    )

    assert states(results)["GET /profile"] == (ProbeKind.WRITTEN, ProbeState.OK)
    assert shared["city"] == "Berlin"
    if servers > 1:
        (start,) = [result for result in results if result.kind is ProbeKind.START]
        assert start.state is ProbeState.OK


def test_a_write_whose_new_word_is_refused_counts_as_it_is() -> None:
    shared: dict[str, Any] = {}

    results = asked(apps.city_of_a_list, CITY, READ, before=[CITY], shared=shared)

    assert breaks(results) == []
    assert shared["city"] == "Berlin"


def test_notes_by_their_number_break_although_each_server_has_as_many() -> None:
    results = asked(
        broken.sqlite_in_the_container, MILK, request("GET /notes/{1..1000}"), before=[MILK]
    )

    (result,) = breaks(results)
    assert result.check == "GET /notes/{1..1000}"


def test_tables_that_a_further_server_drops_break_although_the_text_was_there() -> None:
    write = request("PUT /notes/first", body="a note to keep")

    results = asked(
        broken.tables_dropped_at_the_start,
        write,
        request("GET /notes/first"),
        before=[write],
        grows=True,
    )

    (result,) = breaks(results)
    assert result.kind is ProbeKind.START


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("make", [broken.notes_in_memory, apps.city_in_memory])
@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("is_old", [False, True])
def test_what_each_process_keeps_breaks_with_one_server_already(
    make: Make, servers: int, seed: int, *, is_old: bool
) -> None:
    write, read = (CITY, READ) if make is apps.city_in_memory else (MILK, request("GET /notes"))

    results = asked(
        make,
        read,
        write,
        processes=4,
        servers=servers,
        seed=seed,
        before=[write] if is_old else [],
    )

    (result,) = breaks(results)
    assert result.one_server
    assert result.kind is ProbeKind.WRITTEN


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("servers", [1, 2])
def test_it_breaks_although_strangers_asked_by_chance_the_process_that_has_it(
    seed: int, servers: int
) -> None:
    """Two strangers ask the same of two processes half of the time."""
    results = asked(
        broken.notes_in_memory_and_a_login,
        request("GET /notes"),
        MILK,
        start=[request("POST /login", form={"user": "ada"})],
        processes=2,
        servers=servers,
        seed=seed,
    )

    (result,) = breaks(results)
    assert result.one_server


@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize("make", [apps.one_of_the_newest_two, apps.one_of_the_newest_three])
def test_a_page_that_shows_one_of_the_newest_by_chance_has_no_words_of_processes(
    make: Make, processes: int
) -> None:
    item = request("POST /items", form={"name": "item of {1000..9999}"})

    found = [
        asked(make, item, request("GET /items"), processes=processes, servers=servers, seed=seed)
        for servers in (1, 2)
        for seed in range(3)
    ]

    assert [breaks(results) for results in found] == [[]] * 6
    assert all(
        states(results)["GET /items"] == (ProbeKind.WRITTEN, ProbeState.NOTE) for results in found
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("servers", [1, 2])
def test_a_page_that_greets_strangers_too_breaks_where_processes_have_keys_of_their_own(
    seed: int, servers: int
) -> None:
    login = request("POST /login", form={"user": "ada"})

    results = asked(
        broken.login_form_at_200,
        request("GET /home"),
        start=[login],
        processes=4,
        servers=servers,
        seed=seed,
    )

    (result,) = breaks(results)
    assert result.one_server
    assert "SECRET_KEY" in result.remedy


def test_a_cache_that_the_writer_alone_clears_breaks_as_the_others_were_read_before() -> None:
    """With a drawn text the others' caches would still be empty."""
    results = asked(
        broken.cache_that_the_writer_alone_clears,
        request("GET /notes"),
        request("POST /notes", form={"text": "buy milk"}),
    )

    assert [result.check for result in breaks(results)] == ["GET /notes"]


def test_a_login_is_sent_once_as_it_is() -> None:
    login = request("POST /login", form={"user": "ada lovelace"})

    results = asked(innocent_apps.shared_database, login, request("GET /me"), before=[login])

    assert breaks(results) == []
    assert states(results)["GET /me"] == (ProbeKind.WRITTEN, ProbeState.OK)


def test_a_count_of_each_server_is_a_note() -> None:
    (note,) = asked(apps.hits_of_each_process, request("GET /hits"))

    assert note.state is ProbeState.NOTE
    assert note.detail == (
        "Each server counts alone what GET /hits returns: asked in turns, gthread-1 came to 8 and"
        " gthread-2 to 7, by one with each answer of its own."
    )


@pytest.mark.parametrize("servers", [1, 2, 4])
def test_a_count_of_all_servers_is_accepted_and_not_answered_alike(servers: int) -> None:
    (result,) = asked(apps.hits_of_all, request("GET /hits"), servers=servers)

    assert result.state is ProbeState.OK
    assert "accepted GET /hits" in result.detail
    assert result.detail.endswith("which are not all the same.")


def test_a_page_is_asked_without_the_place_in_it() -> None:
    results = asked(apps.page_with_an_anchor, request("POST /notes", body="a note to keep"))

    assert states(results)["GET /notes/<n>"] == (ProbeKind.WRITTEN, ProbeState.OK)
