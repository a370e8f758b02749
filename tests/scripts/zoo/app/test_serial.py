from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.zoo.app import create_app
from scripts.zoo.app.switches import Switches

pytestmark = pytest.mark.slow  # it takes times, which what runs beside it would change


def test_without_a_share_serial_only_waits() -> None:
    client = create_app().test_client()
    began = time.monotonic()

    assert client.get("/serial?ms=40").get_json() == {"ms": 40, "serial_share": 0}

    assert 0.04 <= time.monotonic() - began < 1


@pytest.mark.parametrize("slots", [1, 4])
def test_all_slots_of_one_replica_take_the_service_time_together(
    tmp_path: Path, slots: int
) -> None:
    switches = Switches(serial_share=0.5, serial_lock=tmp_path / "lock")
    app = create_app({"SWITCHES": switches, "SLOTS": slots})

    def ask(_: int) -> int:
        return app.test_client().get("/serial?ms=200").status_code

    began = time.monotonic()
    with ThreadPoolExecutor(slots) as pool:
        assert list(pool.map(ask, range(slots))) == [200] * slots

    # 100 ms together, then 100 ms shared by the slots one after the other.
    assert 0.2 <= time.monotonic() - began < 0.4


def test_two_replicas_take_their_serial_parts_one_after_the_other(tmp_path: Path) -> None:
    switches = Switches(serial_share=0.5, serial_lock=tmp_path / "lock")
    apps = [create_app({"SWITCHES": switches, "SLOTS": 1}) for _ in range(2)]

    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda app: app.test_client().get("/serial?ms=400"), apps))

    # 200 ms together, then twice 200 ms: Amdahl's speed-up of 2 / 1.5 for two replicas.
    assert 0.6 <= time.monotonic() - began < 0.8
