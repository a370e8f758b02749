"""Applications that break at two servers are found out without a declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.measurement.consistency.undeclared import Undeclared
from loadtests.model.consistency import ProbeKind, ProbeState
from loadtests.model.tested.workload import Workload
from loadtests.tools import proc
from tests.loadtests.builders import make_plan, make_worker
from tests.loadtests.measurement.consistency import broken_apps as apps
from tests.loadtests.measurement.consistency import innocent_apps
from tests.loadtests.measurement.consistency.site import (
    Make,
    SlowSite,
    asked,
    breaks,
    plan_of,
    request,
)

LOGIN = request("POST /login", form={"user": "ada"})


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("make", "line"),
    [
        (apps.random_secret_key, "GET /me"),
        (apps.random_key_and_login_page, "GET /account"),
        (apps.login_form_at_200, "GET /home"),
        (apps.sessions_on_own_disk, "GET /me"),
    ],
)
def test_a_cookie_that_the_other_server_refuses_breaks(make: Make, line: str, seed: int) -> None:
    (result,) = breaks(asked(make, request(line), start=[LOGIN], seed=seed))

    assert (result.check, result.kind) == (line, ProbeKind.ANSWER)
    assert result.detail.startswith("The cookie that gthread-1 gave is refused by gthread-2.")
    assert "10 of 10 times each" in result.detail
    assert result.right == {"gthread-1": 10}
    assert result.wrong == {"gthread-2": 10}
    assert not result.one_server
    assert "SECRET_KEY" in result.remedy


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_keys_of_processes_break_with_one_server_already(seed: int) -> None:
    (result,) = breaks(
        asked(apps.random_secret_key, request("GET /me"), start=[LOGIN], processes=4, seed=seed)
    )

    assert result.one_server
    assert result.detail.startswith("Already between the processes of one server answers differ")
    assert "SECRET_KEY" in result.remedy


def test_so_they_do_where_there_is_one_server_only() -> None:
    results = asked(
        apps.random_secret_key, request("GET /me"), start=[LOGIN], processes=4, servers=1
    )

    assert [result.one_server for result in breaks(results)] == [True]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_one_server_wrote_into_its_own_file_breaks(seed: int) -> None:
    results = asked(
        apps.sqlite_in_the_container,
        request("POST /notes", json={"text": "a note of {1000..9999}"}),
        request("GET /notes/{1..1000}"),
        request("GET /notes"),
        seed=seed,
    )

    by_id, listed = breaks(results)
    assert {by_id.check, listed.check} == {"GET /notes/{1..1000}", "GET /notes"}
    for result in (by_id, listed):
        assert result.kind is ProbeKind.WRITTEN
        assert result.write == "POST /notes"
        assert result.detail.startswith(
            "What POST /notes wrote through gthread-1 is not there at gthread-2"
        )
        assert "DATABASE_URL" in result.remedy


def test_a_cookie_that_the_other_server_accepts_is_not_called_refused() -> None:
    (result,) = breaks(
        asked(
            apps.profile_on_own_disk,
            request("PUT /profile", json={"city": "Berlin"}),
            request("GET /profile"),
            start=[LOGIN],
        )
    )

    assert result.detail.startswith(
        "What PUT /profile wrote through gthread-1 is not there at gthread-2 ('Berlin')."
    )
    assert "DATABASE_URL" in result.remedy
    assert "SECRET_KEY" not in result.remedy


def test_notes_in_the_memory_of_four_processes_break_with_one_server_already() -> None:
    results = asked(
        apps.notes_in_memory,
        request("POST /notes", json={"text": "hello world"}),
        request("GET /notes/{1..1000}"),
        processes=4,
    )

    (result,) = breaks(results)
    assert result.one_server


def test_a_cache_that_only_the_writer_clears_breaks() -> None:
    """The caches are filled before, as users do."""
    results = asked(
        apps.cache_that_the_writer_alone_clears,
        request("GET /notes"),
        request("POST /notes", form={"text": "note {1000..9999}"}),
    )

    (result,) = breaks(results)
    assert result.check == "GET /notes"


def test_an_upload_on_one_servers_disk_breaks_at_the_page_that_its_answer_names() -> None:
    (result,) = breaks(asked(apps.uploads_on_own_disk, request("POST /avatar", body="a face")))

    assert result.check == "GET /files/avatar.txt"
    assert result.write == "POST /avatar"


def test_a_check_has_the_same_name_in_every_run_whatever_was_written_is_called() -> None:
    """The gate counts the tries of a check by its name."""
    upload = request("POST /avatar", body="a face")

    runs = [asked(apps.uploads_under_a_random_name, upload) for _ in range(2)]

    assert [[result.check for result in breaks(run)] for run in runs] == [["GET /files/<id>"]] * 2


def test_a_server_that_fails_where_the_other_does_not_breaks() -> None:
    (result,) = breaks(asked(apps.one_server_without_its_tables, request("GET /")))

    assert result.detail.startswith("gthread-1 and gthread-2 answer one client's request different")
    assert "create its tables once" in result.remedy


def test_both_answers_stand_side_by_side() -> None:
    (result,) = breaks(asked(apps.random_secret_key, request("GET /me"), start=[LOGIN]))

    assert [(seen.replica, seen.status, seen.body) for seen in result.answers] == [
        ("gthread-1", 200, "ada"),
        ("gthread-2", 401, "who are you?"),
    ]


def test_what_takes_back_is_not_asked_and_that_is_said() -> None:
    results = asked(
        apps.random_secret_key,
        request("GET /me"),
        request("POST /logout"),
        request("DELETE /notes/1"),
        start=[LOGIN],
    )

    unchecked = {r.check: r.detail for r in results if r.state is ProbeState.UNCHECKED}
    assert unchecked == {
        "POST /logout": "POST /logout was not asked: it takes back what the others write.",
        "DELETE /notes/1": "DELETE /notes/1 was not asked: it takes back what the others write.",
    }
    assert len(breaks(results)) == 1


def test_a_write_that_nothing_returns_is_unchecked() -> None:
    results = asked(apps.sqlite_in_the_container, request("POST /notes", json={"text": "hello"}))

    assert [(r.check, r.state) for r in results] == [("POST /notes", ProbeState.UNCHECKED)]


NOTE = (request("PUT /notes/first", body="a note to keep"), request("GET /notes/first"))


def test_tables_that_a_further_server_drops_break() -> None:
    (result,) = breaks(asked(apps.tables_dropped_at_the_start, *NOTE, grows=True))

    assert result.kind is ProbeKind.START
    assert result.detail == (
        "After a further server had started, what PUT /notes/first wrote was gone: gthread-1"
        " answered GET /notes/first with 200 a note to keep before, and with 404 no such note since"
        " (10 of 10 times)."
    )
    assert "never drop" in result.remedy


def test_they_do_where_the_checks_wrote_something_else_through_the_other_server() -> None:
    """Then home must still have what was written last."""
    write = request("PUT /notes/first", body="a note of {1000..9999}")

    results = asked(apps.tables_dropped_at_the_start, write, NOTE[1], grows=True)

    (result,) = breaks(results)
    assert result.kind is ProbeKind.START
    assert "GET /notes/first with 200 a note of " in result.detail


def test_what_outlives_the_start_of_a_further_server_is_ok() -> None:
    results = asked(
        innocent_apps.shared_database,
        request("POST /notes", json={"text": "hello world"}),
        request("GET /notes/{1..99}"),
        grows=True,
    )

    (start,) = [result for result in results if result.kind is ProbeKind.START]
    assert start.state is ProbeState.OK


def test_files_that_each_server_writes_are_named_where_something_breaks() -> None:
    results = asked(
        apps.sqlite_in_the_container,
        request("POST /notes", json={"text": "hello world"}),
        request("GET /notes"),
        files=("/app", "/app/notes.db"),
    )

    (result,) = breaks(results)
    assert result.detail.endswith("Each server keeps /app/notes.db for itself.")
    (note,) = [result for result in results if result.kind is ProbeKind.FILES]
    assert note.state is ProbeState.NOTE


@pytest.mark.parametrize("step_s", [0.6, 4.0, 60.0])
def test_checks_of_a_slow_application_end_in_time_and_never_call_it_broken(
    monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    site = SlowSite(apps.random_secret_key, step_s)
    monkeypatch.setattr(proc, "monotonic_s", lambda: site.now_s)
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    plan = replace(
        make_plan(replica_counts=(1, 2)),
        workers=(make_worker("gthread"),),
        workloads=(Workload(name="own", path="/", requests=(request("GET /me"),), start=(LOGIN,)),),
    )
    agent: Any = site

    results = Undeclared(agent, site.replicas, "shop.example:9001").check(plan, {})

    assert site.now_s <= 20.0
    assert [r for r in results if r.state in {ProbeState.OK, ProbeState.BREAKS}] == []


def test_what_no_time_was_left_for_is_said() -> None:
    results = asked(apps.random_secret_key, request("GET /me"), start=[LOGIN], limit_s=0.0)

    (result,) = results
    assert result.state is ProbeState.UNCHECKED
    assert result.detail == "GET /me was not asked: the time for the checks was over."


def test_what_seems_to_break_is_asked_on_although_its_share_of_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three variants share the time, and each would be confirmed if it were the only one."""
    names = ("gthread", "sync", "gevent")
    site = SlowSite(apps.random_secret_key, 0.25, workers=names)
    monkeypatch.setattr(proc, "monotonic_s", lambda: site.now_s)
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    plan = replace(
        make_plan(workers=names, replica_counts=(1, 2)),
        workers=tuple(make_worker(name) for name in names),
        workloads=(Workload(name="own", path="/", requests=(request("GET /me"),), start=(LOGIN,)),),
    )
    agent: Any = site

    results = Undeclared(agent, site.replicas, "shop.example:9001").check(plan, {})

    assert [(r.worker, r.state) for r in results] == [(name, ProbeState.BREAKS) for name in names]


def test_servers_that_no_time_was_left_to_ask_are_not_called_alike() -> None:
    site = SlowSite(innocent_apps.etags, 0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proc, "monotonic_s", lambda: site.now_s)
        plan = plan_of(Workload(name="own", path="/"))
        agent: Any = site
        undeclared = Undeclared(agent, site.replicas, "shop.example:9001")

        (result,) = undeclared.check(plan, {}, limit_s=0.2)

    assert result.state is ProbeState.UNCHECKED
    assert result.detail == ("gthread-2: GET / was not asked: the time for the checks was over.")
