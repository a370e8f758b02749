"""What a load writes and reads of many things is written and read of the same one."""

from __future__ import annotations

import uuid
from typing import Any

import flask
import pytest
from flask import Flask

from loadtests.analysis.consistency.conversation import conversation_of
from loadtests.analysis.consistency.judgement import Asked
from loadtests.measurement.consistency import examination
from loadtests.measurement.consistency.undeclared import Subject, Undeclared
from loadtests.model.consistency import ProbeKind
from loadtests.model.tested.workload import Workload
from loadtests.tools import proc
from tests.loadtests.measurement.consistency import kept_apps as apps
from tests.loadtests.measurement.consistency.innocent_pages import profiles_behind_a_cache
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import (
    Make,
    Site,
    asked,
    breaks,
    plan_of,
    request,
)

CITY = {"city": "Hamburg"}
SLUG = "post-{1000..9999}"
PROFILE = request("GET /profile/{1..500}")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("make", "write", "read"),
    [
        (apps.profiles, request("PUT /profile/{1..500}", json=CITY), PROFILE),
        (apps.profiles, request("POST /profile", json={"id": "{1..500}", **CITY}), PROFILE),
        (
            apps.carts,
            request("POST /cart?user={1..1000}", json={"item": "lamp shade"}),
            request("GET /cart?user={1..1000}"),
        ),
        (apps.stock, request("POST /stock/{1..500}"), request("GET /stock/{1..500}")),
    ],
)
def test_what_each_server_keeps_breaks_whatever_is_drawn(
    make: Make, write: Any, read: Any, seed: int
) -> None:
    (result,) = breaks(asked(make, write, read, seed=seed))

    assert (result.kind, result.check) == (ProbeKind.WRITTEN, f"GET {read.path}")
    assert result.detail.startswith(f"What {write.method} {write.path} wrote through gthread-1")


def test_what_a_path_named_is_written_where_a_page_shows_it_beside_that_path() -> None:
    (result,) = breaks(asked(apps.tags, request("PUT /tags/{1000..9999}"), request("GET /tags")))

    assert result.write == "PUT /tags/{1000..9999}"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("fields", [{"form": {"slug": SLUG}}, {"json": {"slug": SLUG}}])
def test_a_list_of_links_shows_what_was_written_although_a_read_has_its_address(
    fields: dict[str, Any], processes: int, seed: int
) -> None:
    results = asked(
        apps.linked_articles,
        request("POST /articles", **fields),
        request("GET /articles"),
        request(f"GET /articles/{SLUG}"),
        processes=processes,
        seed=seed,
    )

    assert "GET /articles" in [result.check for result in breaks(results)]


JSON = {"Content-Type": "application/json"}


def test_a_recorded_write_is_read_where_it_wrote() -> None:
    """A locustfile wrote one profile and read another."""
    results = asked(
        apps.profiles,
        request("PUT /profile/17", body='{"city": "Hamburg"}', headers=JSON),
        request("GET /profile/230", name="GET /profile/[id]"),
        as_locustfile=True,
    )

    (result,) = breaks(results)
    assert result.check == "GET /profile/[id]"
    assert "gthread-1 answered GET /profile/17 with 200" in result.detail


@pytest.mark.parametrize(
    ("make", "known"),
    [(apps.numbered_notes, "1"), (apps.notes_of_uuids, str(uuid.UUID(int=7, version=4)))],
)
def test_what_a_recorded_write_names_is_read_by_that_name(make: Make, known: str) -> None:
    write = request("POST /notes", body='{"text": "buy some milk"}', headers=JSON)
    read = request(f"GET /notes/{known}", name="GET /notes/[id]")

    results = asked(make, write, read, before=[write], before_at=["gthread-1"], as_locustfile=True)

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /notes/[id]", "POST /notes")


def test_a_cache_of_a_second_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' caches were filled by the reads before the write."""
    site = Site(profiles_behind_a_cache)
    workload = Workload(
        name="own", path="/", requests=(request("PUT /profile/{1..500}", json=CITY), PROFILE)
    )
    agent: Any = site
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        site.shared["now_s"] += seconds

    monkeypatch.setattr(proc, "sleep", sleep)

    results = Undeclared(agent, site.replicas, "shop.example:9001").check(plan_of(workload), {})

    assert slept  # they seemed to differ
    assert breaks(results) == []


def test_what_is_written_of_few_things_and_read_of_many_is_read_where_it_was_written() -> None:
    sent: list[str] = []

    def make(shared: Store, own: Store) -> Flask:
        app = apps.profiles(shared, own)
        app.before_request(lambda: sent.append(flask.request.full_path))
        return app

    results = asked(
        make,
        request("PUT /profile/{1..9}", json=CITY),
        request("GET /profile/{1..100}", query={"as": "{page|list}"}),
    )

    (result,) = breaks(results)
    assert (result.check, result.write) == ("GET /profile/{1..100}", "PUT /profile/{1..9}")
    assert not [path for path in sent if "{" in path]


def test_two_versions_that_share_a_store_register_another_name_each() -> None:
    """Head keeps its sessions in memory, and has the same users as base before it."""
    users: dict[str, str] = {}

    def make(shared: Store, own: Store) -> Flask:
        app, sessions = app_of_one_key(), own.setdefault("sessions", {})

        @app.post("/register")
        def register() -> Any:
            name = flask.request.form["email"]
            if name in users:
                return "taken", 409
            users[name] = sessions[f"of {name}"] = name
            answer = app.make_response("welcome")
            answer.set_cookie("sid", f"of {name}")
            return answer

        @app.get("/me")
        def me() -> Any:
            name = sessions.get(flask.request.cookies.get("sid", ""))
            return f"Hello {name}" if name else ("who are you?", 401)

        return app

    register = request("POST /register", form={"email": "u{1000..9999}@example.com"})
    load = Workload(name="own", path="/", requests=(register, request("GET /me")))
    for version in ("base", "head"):
        site: Any = Site(make)
        subject = Subject(
            asked=Asked(worker="gthread", workload="own"),
            talk=conversation_of(load),
            addresses={replica.name: replica.address for replica in site.replicas},
            processes=1,
            seed="1",
            version=version,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(examination, "SETTLE_S", 0.0)
            undeclared = Undeclared(site, site.replicas, "shop.example")
            results = undeclared.examine(subject, until_s=proc.monotonic_s() + 20.0)

        assert [result.check for result in breaks(results)] == ["GET /me"]
