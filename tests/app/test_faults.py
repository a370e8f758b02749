from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import create_app, faults, work
from app.burning import Burner
from app.faults import Faults
from app.settings import SettingError


def test_an_environment_without_switches_has_no_faults() -> None:
    assert Faults.from_environment({}) == Faults()


def test_each_switch_turns_on_its_fault() -> None:
    environ = {
        "BURN_PERCENT": "2.5",
        "SLOWER_PERCENT_PER_MINUTE": "60",
        "ERROR_PERCENT": "1",
        "STORE_ROWS": "20000",
        "SERIAL_SHARE": "0.3",
        "SERIAL_LOCK": "/shared/lock",
        "CONTEXT_STORE": "module",
        "STATE": "memory",
    }

    assert Faults.from_environment(environ) == Faults(
        burn_percent=2.5,
        slower_percent_per_minute=60,
        error_percent=1,
        store_rows=20_000,
        serial_share=0.3,
        serial_lock=Path("/shared/lock"),
        module_context=True,
        memory_state=True,
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"BURN_PERCENT": "101"}, "BURN_PERCENT=101 is no number from 0 to 100."),
        ({"BURN_PERCENT": "hot"}, "BURN_PERCENT=hot is no number from 0 to 100."),
        ({"ERROR_PERCENT": "-1"}, "ERROR_PERCENT=-1 is no number from 0 to 100."),
        (
            {"SLOWER_PERCENT_PER_MINUTE": "1001"},
            "SLOWER_PERCENT_PER_MINUTE=1001 is no number from 0 to 1000.",
        ),
        ({"SERIAL_SHARE": "0.95"}, "SERIAL_SHARE=0.95 is no number from 0 to 0.9."),
        ({"SERIAL_SHARE": "0.1"}, "SERIAL_SHARE=0.1 needs SERIAL_LOCK"),
        (
            {"SERIAL_SHARE": "0.1", "SERIAL_LOCK": "x", "WORKER_MODEL": "gevent"},
            "SERIAL_SHARE=0.1 cannot be had under WORKER_MODEL=gevent",
        ),
        ({"STATE": "disk"}, "STATE=disk is unknown here; there are store, memory."),
        ({"CONTEXT_STORE": "x"}, "CONTEXT_STORE=x is unknown here; there are context, module."),
    ],
)
def test_a_switch_that_cannot_be_is_refused(environ: Mapping[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Faults.from_environment(environ)

    assert message in str(caught.value)


def test_burning_comes_before_the_answer_which_stays_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    monkeypatch.setattr(Burner, "burn", lambda _, percent: done.append(percent))
    monkeypatch.setattr(work, "spin", done.append)
    app = create_app({"FAULTS": Faults(burn_percent=10)})

    answer = app.test_client().get("/cpu?rounds=4500").get_json()

    assert answer == {"rounds": 4500, "digest": None}
    assert done == [10, 4500]


def test_a_bad_request_is_refused_by_a_burning_app_too() -> None:
    app = create_app({"FAULTS": Faults(burn_percent=10)})

    assert app.test_client().get("/cpu?rounds=0").status_code == 400


def test_a_service_that_slows_down_burns_more_the_older_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    burnt: list[float] = []
    monkeypatch.setattr(Burner, "burn", lambda _, percent: burnt.append(percent))
    ages = iter((1000.0, 1000.0, 1030.0))  # as it is made, then at each request
    monkeypatch.setattr("app.faults.time.monotonic", lambda: next(ages))
    app = create_app({"FAULTS": Faults(slower_percent_per_minute=100)})

    for _ in range(2):
        with app.test_request_context("/cpu?rounds=1"):
            app.view_functions["work.cpu"]()

    assert burnt == [0, 50]


@pytest.mark.parametrize("path", ["/cpu?rounds=1", "/io?ms=0"])
def test_one_in_a_hundred_requests_fails_and_the_probes_never(path: str) -> None:
    client = create_app({"FAULTS": Faults(error_percent=1)}).test_client()

    codes = [client.get(path).status_code for _ in range(300)]

    assert [number for number, code in enumerate(codes, 1) if code == 500] == [100, 200, 300]
    assert client.get("/healthz").status_code == 200


def test_a_store_that_has_to_count_does_so_for_each_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app({"FAULTS": Faults(store_rows=7)})
    asked: list[tuple[object, ...]] = []

    def row(*query: object) -> tuple[int, str]:
        asked.append(query)
        return (1, "body")

    monkeypatch.setattr(app.store, "row", row)

    assert app.test_client().get("/db?id=1").get_json() == {"id": 1, "body": "body"}
    assert [query[1] for query in asked] == [7, 1]


def test_a_context_in_the_module_is_overwritten_by_the_next_request() -> None:
    app = create_app({"FAULTS": Faults(module_context=True)})

    def ask(number: int) -> bool:
        answer = app.test_client().get(f"/context?token={number}&ms=50").get_json()
        return bool(answer["isolated"])

    assert ask(0), "alone it looks right"
    with ThreadPoolExecutor(4) as pool:
        assert not all(pool.map(ask, range(4)))


def test_state_in_memory_serves_one_process_and_no_other() -> None:
    config = {"FAULTS": Faults(memory_state=True), "SECRET_KEY": "shared"}
    one, two = (create_app(config).test_client() for _ in range(2))

    one.put("/state/notes/a", data="first")
    one.post("/state/login?user=ann")
    one.post("/state/counter")
    cookie = one.get_cookie("session")
    assert cookie is not None
    two.set_cookie("session", cookie.value)

    asked = ("/state/notes/a", "/state/me", "/state/counter")
    assert [one.get(path).get_json() for path in asked] == [
        {"key": "a", "body": "first"},
        {"user": "ann"},
        {"count": 1},
    ]
    assert [two.get(path).status_code for path in asked] == [404, 401, 200]
    assert two.get("/state/counter").get_json() == {"count": 0}


def test_an_app_without_faults_has_its_own_views() -> None:
    views = create_app().view_functions

    assert views["work.cpu"] is work.cpu
    assert views["context.isolation"] is not faults.shared_context
