"""Work with a serial part: while one request is at it, no other does anything.

What a shared lock does to scaling is known exactly where the whole system takes turns: all slots
work side by side, then each does its serial part alone while the others wait. With n replicas a
turn takes (1 − σ)·s + n·σ·s seconds for n times the requests of one replica, so the speed-up is
n / (1 + σ·(n − 1)): Amdahl's law, as the synchronous bound of the machine-repairman model (Gunther,
"A General Theory of Computational Scalability Based on Rational Functions", arXiv:0808.1431).
A plain lock would not do: the others work on while one holds it, and nothing is lost until the lock
is taken all of the time.

Both parts are slept, not computed, so they take as long on any CPU budget.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Blueprint, current_app

from app.parameters import whole_number

blueprint = Blueprint("serial", __name__)

SERVICE_MS = 50
"""Milliseconds in service by default, on one replica whose slots are all busy."""
SERVICE_MS_MAX = 60_000
"""Milliseconds: past a minute the proxy in front has given up."""


class TurnLock:
    """Side by side or alone, over all processes that can open ``path``.

    Whoever wants to be alone goes first: new side-by-side work waits at the door until nobody is
    left who wants to be alone. Without that, a turn would break up into many.
    """

    def __init__(self, path: Path) -> None:
        self._room = path
        self._door = path.with_name(f"{path.name}.door")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold the room with others."""
        with ExitStack() as stay:
            with _locked(self._door, fcntl.LOCK_EX):
                stay.enter_context(_locked(self._room, fcntl.LOCK_SH))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the room alone, and the door shut from the moment of asking."""
        with _locked(self._door, fcntl.LOCK_SH), _locked(self._room, fcntl.LOCK_EX):
            yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    # A lock belongs to one opening of the file, so threads of a process exclude one another too.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@blueprint.get("/serial")
def serial() -> dict[str, object]:
    """Wait for ``?ms=`` milliseconds, of which the replica's serial share under the lock.

    The share is the replica's, not the request's: the slots of a replica take their serial parts
    one after the other, so each has its part of it.
    """
    service_ms = whole_number("ms", default=SERVICE_MS, low=1, high=SERVICE_MS_MAX)
    faults, slots = current_app.config["FAULTS"], current_app.config["SLOTS"]
    share = faults.serial_share
    if not share:
        time.sleep(service_ms / 1000)
        return {"ms": service_ms, "serial_share": 0}
    lock = TurnLock(faults.serial_lock)
    with lock.together():
        time.sleep(service_ms * (1 - share) / 1000)
    with lock.alone():
        time.sleep(service_ms * share / slots / 1000)
    return {"ms": service_ms, "serial_share": share}
