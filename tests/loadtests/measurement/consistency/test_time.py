"""The checks share their time: none takes that of another, and the load's text is written back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, request

from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.consistency.redirects import MOST_PAGES, Redirects
from loadtests.measurement.consistency.undeclared import LIMIT_S, Means, Undeclared
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.errors import GeneratorFailure
from loadtests.model.generator_records import Answer, Ask
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.tools import proc
from tests.loadtests.builders import make_plan, make_worker
from tests.loadtests.measurement.consistency import fixed_apps
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import SlowSite
from tests.loadtests.measurement.consistency.site import request as asks

NAMES = ("gthread", "sync", "gevent")
CITY = asks("PUT /profile", json={"city": "Berlin"})
READ = asks("GET /profile")


def second_server_late(shared: Store, own: Store) -> Flask:
    """Each second server fails at first; that of the third worker model always does."""
    app, number = app_of_one_key(), shared.setdefault("servers", 0)
    shared["servers"] += 1

    @app.get("/")
    def index() -> tuple[str, int]:
        own["asked"] = own.get("asked", 0) + 1
        is_late = number % 2 and (own["asked"] <= 3 or number == 5)
        return ("starting", 500) if is_late else ("fine", 200)

    @app.put("/profile")
    def write() -> str:
        shared["city"] = request.get_json()["city"]
        return "kept"

    @app.get("/profile")
    def read() -> str:
        return str(shared.get("city", "no city"))

    return app


def checked(
    site: SlowSite,
    requests: Sequence[RequestSpec],
    names: Sequence[str],
    *,
    grows: bool = False,
    limit_s: float = LIMIT_S,
    processes: int = 1,
) -> tuple[ProbeResult, ...]:
    """Give the results of the checks by the clock of a slow site."""
    plan = replace(
        make_plan(workers=names, replica_counts=(1, 2)),
        workers=tuple(replace(make_worker(name), processes=processes) for name in names),
        workloads=(Workload(name="own", path="/", requests=tuple(requests)),),
    )
    agent: Any = site
    means = Means(further_replica=site.further_replica if grows else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proc, "monotonic_s", lambda: site.now_s)
        patch.setattr(proc, "sleep", lambda _: None)
        return Undeclared(agent, site.replicas, "shop.example:9001", means).check(
            plan, {}, limit_s=limit_s
        )


def test_a_suspicion_that_is_not_confirmed_takes_no_time_from_the_later_variants() -> None:
    site = SlowSite(second_server_late, 0.6, workers=NAMES)

    results = checked(site, [asks("GET /")], NAMES)

    states = {result.worker: result.state for result in results}
    assert states["gthread"] is not ProbeState.BREAKS
    assert states["sync"] is not ProbeState.BREAKS
    assert states["gevent"] is ProbeState.BREAKS
    assert site.now_s <= LIMIT_S * (1 + len(NAMES))


def test_after_such_a_suspicion_there_is_time_for_a_start() -> None:
    site = SlowSite(second_server_late, 0.4, workers=NAMES[:2])

    results = checked(site, [asks("GET /"), CITY, READ], NAMES[:2], grows=True)

    starts = {result.worker: result for result in results if result.kind is ProbeKind.START}
    assert [starts[name].state for name in NAMES[:2]] == [ProbeState.OK] * 2


@pytest.mark.parametrize("limit_s", [number / 4 for number in range(1, 33)])
def test_the_loads_own_text_is_written_back_whenever_the_time_is_over(limit_s: float) -> None:
    site = SlowSite(fixed_apps.city_in_a_database, 0.25)
    site.send_before(CITY)

    checked(site, [CITY, READ], NAMES[:1], grows=True, limit_s=limit_s)

    assert site.shared["city"] == "Berlin"


def test_so_it_is_where_the_checks_end_by_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(_: Examination) -> list[Any]:
        raise GeneratorFailure("The load generator ended.")

    monkeypatch.setattr(Examination, "write_elsewhere", ends)
    site = SlowSite(fixed_apps.city_in_a_database, 0.1)
    site.send_before(CITY)

    with pytest.raises(GeneratorFailure):
        checked(site, [CITY, READ], NAMES[:1])

    assert site.shared["city"] == "Berlin"


def test_a_start_ends_no_earlier_than_what_seems_to_break_may_be_asked() -> None:
    """The deadline that was raised for a suspicion is not lowered again."""
    ends_s: list[float] = []
    site = SlowSite(second_server_late, 0.4, workers=NAMES[:2])
    put_back = Examination.put_back

    def kept(examination: Examination) -> None:
        ends_s.append(examination.deadline.until_s - examination.confirm_until_s)
        put_back(examination)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Examination, "put_back", kept)
        checked(site, [asks("GET /"), CITY, READ], NAMES[:2], grows=True)

    assert min(ends_s) >= 0.0


class BusySite(SlowSite):
    """A site whose servers take ``step_s`` for each request, one after another."""

    def ask(self, asks: Sequence[Ask], *, timeout_s: float = 5.0) -> tuple[Answer, ...]:
        each = Counter(urlsplit(ask.url).netloc for ask in asks)
        self.now_s += self.step_s * (max(each.values()) - 1)
        return super().ask(asks, timeout_s=timeout_s)


def pages_behind_pages(shared: Store, own: Store) -> Flask:
    """Every page redirects to the same one with a slash."""
    app = app_of_one_key()

    @app.get("/<int:number>/")
    def read(number: int) -> str:
        return f"page {number}"

    @app.get("/flat/<int:number>")
    def flat(number: int) -> str:
        return f"page {number}"

    return app


def test_the_pages_behind_redirects_leave_the_time_to_the_loads_own_requests() -> None:
    plain, redirecting = (
        BusySite(pages_behind_pages, 0.02, processes=4, workers=NAMES[:1]) for _ in range(2)
    )

    flat = [asks(f"GET /flat/{number}") for number in range(20)]
    checked(plain, flat, NAMES[:1], processes=4)
    requests = [asks(f"GET /{number}") for number in range(20)]
    results = checked(redirecting, requests, NAMES[:1], processes=4)

    assert redirecting.count < 1.5 * plain.count
    states = {result.check: result.state for result in results}
    own = {states[f"GET /{number}"] for number in range(20)}
    assert own == {ProbeState.OK}
    assert states["What further reads redirect to"] is ProbeState.UNCHECKED
    assert len(results) == 20 + MOST_PAGES + 1


def test_without_time_the_pages_are_unchecked_and_the_reads_before_them_are_not() -> None:
    site = BusySite(pages_behind_pages, 0.1, processes=4, workers=NAMES[:1])

    requests = [asks("GET /1"), asks("GET /2")]
    results = checked(site, requests, NAMES[:1], limit_s=7.5, processes=4)

    states = {result.check: result.state for result in results}
    assert states["GET /1"] is states["GET /2"] is ProbeState.OK
    pages = [result for result in results if result.check == "GET /<n>/"]
    assert len(pages) == 2
    assert pages[-1].detail == "GET /2/ was not asked: the time for the checks was over."


def test_a_page_that_is_known_is_asked_no_second_time() -> None:
    """A redirect is asked again once, to see whether it changes."""
    sent: list[str] = []
    requests = {name: RequestSpec(path=name) for name in ("/a", "/b", "/c")}

    def send(request: RequestSpec) -> Seen:
        sent.append(request.path)
        leads_to = {"/a": "/b", "/b": "/c"}.get(request.path)
        return Seen(replica="gthread-1", status=302 if leads_to else 200, location=leads_to)

    redirects = Redirects(send=send)
    for _ in range(2):
        answered = [(request, send(request)) for request in list(requests.values())[:2]]
        assert [page.path for page in redirects.follow(answered, send)] == ["/c"]

    assert Counter(sent) == {"/a": 2, "/b": 3, "/c": 2}
