from __future__ import annotations

import pytest
from flask import request_started

import app as sample
from app import work
from scripts.zoo.app import create_app
from scripts.zoo.app.burner import Burner
from scripts.zoo.app.switches import Switches


def test_burning_comes_before_the_answer_which_stays_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    monkeypatch.setattr(Burner, "burn", lambda _, percent: done.append(percent))
    monkeypatch.setattr(work, "spin", done.append)
    app = create_app({"SWITCHES": Switches(burn_percent=10)})

    answer = app.test_client().get("/cpu?rounds=4500").get_json()

    assert answer == {"rounds": 4500, "digest": None}
    assert done == [10, 4500]


def test_a_bad_request_is_refused_by_a_burning_app_too() -> None:
    app = create_app({"SWITCHES": Switches(burn_percent=10)})

    assert app.test_client().get("/cpu?rounds=0").status_code == 400


def test_a_service_that_slows_down_burns_more_the_older_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    burnt: list[float] = []
    monkeypatch.setattr(Burner, "burn", lambda _, percent: burnt.append(percent))
    ages = iter((1000.0, 1000.0, 1030.0))  # as it is made, then at each request
    monkeypatch.setattr("scripts.zoo.app.faults.time.monotonic", lambda: next(ages))
    app = create_app({"SWITCHES": Switches(slower_percent_per_minute=100)})

    for _ in range(2):
        with app.test_request_context("/cpu?rounds=1"):
            app.full_dispatch_request()

    assert burnt == [0, 50]


@pytest.mark.parametrize("path", ["/cpu?rounds=1", "/io?ms=0"])
def test_one_in_a_hundred_requests_fails_and_the_probes_never(path: str) -> None:
    client = create_app({"SWITCHES": Switches(error_percent=1)}).test_client()

    codes = [client.get(path).status_code for _ in range(300)]

    assert [number for number, code in enumerate(codes, 1) if code == 500] == [100, 200, 300]
    assert client.get("/healthz").status_code == 200


def test_a_store_that_has_to_count_does_so_for_each_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app({"SWITCHES": Switches(store_rows=7)})
    asked: list[tuple[object, ...]] = []

    def row(*query: object) -> tuple[int, str]:
        asked.append(query)
        return (1, "body")

    monkeypatch.setattr(app.store, "row", row)

    assert app.test_client().get("/db?id=1").get_json() == {"id": 1, "body": "body"}
    assert [query[1] for query in asked] == [7, 1]


def test_requests_that_do_not_compute_burn_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    burnt: list[float] = []
    monkeypatch.setattr(Burner, "burn", lambda _, percent: burnt.append(percent))
    client = create_app({"SWITCHES": Switches(burn_percent=10)}).test_client()

    for path in ("/io?ms=0", "/whoami", "/healthz", "/nowhere"):
        client.get(path)

    assert burnt == []


def test_requests_that_fail_are_counted_as_begun_and_answered() -> None:
    app = create_app({"SWITCHES": Switches(error_percent=100)})

    assert app.test_client().get("/cpu?rounds=1").status_code == 500
    assert "app_requests_started_total 1\n" in app.counters.exposition()
    assert "app_requests_finished_total 1\n" in app.counters.exposition()


def test_without_faults_it_is_the_sample_with_two_paths_more() -> None:
    own, others = create_app(), sample.create_app()

    assert own.view_functions.keys() - others.view_functions.keys() == {
        "dearer.dearer",
        "serial.serial",
    }
    for endpoint in others.view_functions.keys() - {"static"}:
        assert own.view_functions[endpoint] is others.view_functions[endpoint]
    assert own.before_request_funcs == others.before_request_funcs == {}
    assert type(own.state) is type(others.state)
    receivers = [len(list(request_started.receivers_for(each))) for each in (own, others)]
    assert receivers == [1, 1]
