from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.settings import SettingError
from scripts.zoo.app.switches import Switches, slots


def test_an_environment_without_switches_has_no_faults() -> None:
    assert Switches.from_environment({}) == Switches()


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
        "DEARER": "peers",
        "DEARER_COUNTS": "/shared/counts",
    }

    assert Switches.from_environment(environ) == Switches(
        burn_percent=2.5,
        slower_percent_per_minute=60,
        error_percent=1,
        store_rows=20_000,
        serial_share=0.3,
        serial_lock=Path("/shared/lock"),
        module_context=True,
        memory_state=True,
        dearer="peers",
        dearer_counts=Path("/shared/counts"),
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
        ({"DEARER": "cache"}, "DEARER=cache needs DEARER_COUNTS"),
        (
            {"DEARER": "cache", "DEARER_COUNTS": "x", "WEB_CONCURRENCY": "4"},
            "DEARER=cache needs WEB_CONCURRENCY=1",
        ),
        ({"DEARER": "x"}, "DEARER=x is unknown here; there are none, apart, retries, peers,"),
        ({"STATE": "disk"}, "STATE=disk is unknown here; there are store, memory."),
        ({"CONTEXT_STORE": "x"}, "CONTEXT_STORE=x is unknown here; there are context, module."),
    ],
)
def test_a_switch_that_cannot_be_is_refused(environ: Mapping[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Switches.from_environment(environ)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("processes", "threads", "expected"), [("2", "3", 6), ("4", "1", 4), ("1", "1", 1)]
)
def test_a_replica_has_a_slot_for_each_request_that_it_serves_at_once(
    processes: str, threads: str, expected: int
) -> None:
    assert slots({"WEB_CONCURRENCY": processes, "THREADS": threads}) == expected


def test_a_number_of_processes_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="WEB_CONCURRENCY=0 is no number from 1 to 1000"):
        slots({"WEB_CONCURRENCY": "0"})
