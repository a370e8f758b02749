"""The checks share their time: none takes that of another, and the load's text is written back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request

from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.consistency.undeclared import LIMIT_S, Means, Undeclared
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.errors import GeneratorFailure
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
) -> tuple[ProbeResult, ...]:
    """Give the results of the checks by the clock of a slow site."""
    plan = replace(
        make_plan(workers=names, replica_counts=(1, 2)),
        workers=tuple(make_worker(name) for name in names),
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
