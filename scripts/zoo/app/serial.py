"""A view with a serial part: while one request is in it, no other request does anything."""

from __future__ import annotations

import time
from typing import cast

from flask import Blueprint, current_app

from app.parameters import whole_number
from scripts.zoo.app.application import ZooApplication
from scripts.zoo.app.turn_lock import TurnLock

blueprint = Blueprint("serial", __name__)

SERVICE_MS = 50
"""Default service time in milliseconds, for one replica whose slots are all busy."""
SERVICE_MS_MAX = 60_000
"""Milliseconds; after a minute the proxy in front has given up."""


@blueprint.get("/serial")
def serial() -> dict[str, object]:
    """Wait for ``?ms=`` milliseconds, a share of them alone under the lock of all replicas.

    The share is the replica's. Its slots do their serial parts one after the other, so each slot's
    part is the share divided by the slots. Both parts are slept, so they take as long on any CPU
    budget.
    """
    service_ms = whole_number("ms", default=SERVICE_MS, low=1, high=SERVICE_MS_MAX)
    app = cast("ZooApplication", current_app)
    share, path = app.switches.serial_share, app.switches.serial_lock
    service_s = service_ms / 1000
    if not share or path is None:
        time.sleep(service_s)
        return {"ms": service_ms, "serial_share": 0}
    lock = TurnLock(path)
    with lock.together(time.monotonic(), service_s * (1 - share)) as end_s:
        _sleep_until(end_s)
    with lock.alone(end_s, service_s * share / app.slots) as end_s:
        _sleep_until(end_s)
    return {"ms": service_ms, "serial_share": share}


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))
