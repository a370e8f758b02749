"""Work with a serial part: while one request is at it, no other does anything.

What a shared lock does to scaling is known exactly where the whole system takes turns: all slots
work side by side, then each does its serial part alone while the others wait. With n replicas a
turn takes (1 − σ)·s + n·σ·s seconds for n times the requests of one replica, so the speed-up is
n / (1 + σ·(n − 1)): Amdahl's law, as the synchronous bound of the machine-repairman model (Gunther,
"A General Theory of Computational Scalability Based on Rational Functions", arXiv:0808.1431).
A plain lock would not do: the others work on while one holds it, and nothing is lost until the lock
is taken all of the time.

Both parts are slept, not computed, so they take as long on any CPU budget. They also keep to a
schedule: a part begins when the one before it was due to end, not when word of that came round,
be it by the lock or by an answer and the next request. Otherwise each handing over would add to the
serial part (measured: 0.6 ms of 1.25 ms), and each turn would last longer by the way to the client
and back (measured, with replicas that were held back besides: 3 to 9 ms of 100 ms).
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Blueprint, current_app

from app.parameters import whole_number

blueprint = Blueprint("serial", __name__)

SERVICE_MS = 50
"""Milliseconds in service by default, on one replica whose slots are all busy."""
SERVICE_MS_MAX = 60_000
"""Milliseconds: past a minute the proxy in front has given up."""

ENDS = struct.Struct("dd")
"""What the lock's file holds: when the last side-by-side part and the last serial part were due to
end, in seconds of the monotonic clock, which all containers of a machine share."""

LATE_RATIO = 0.25
"""What of its side-by-side part a request may come late and still take its turn on schedule."""


class TurnLock:
    """Side by side or alone, over all processes of a machine that can open ``path``.

    Whoever wants to be alone goes first: new side-by-side work waits at the door until nobody is
    left who wants to be alone. Without that, a turn would break up into many.
    """

    def __init__(self, path: Path) -> None:
        self._room = path
        self._door = path.with_name(f"{path.name}.door")

    @contextmanager
    def together(self, since_s: float, lasting_s: float) -> Iterator[float]:
        """Hold the room with others; yield when work wanted ``since_s`` is due to end."""
        with _opened(self._room) as room:
            with _opened(self._door) as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_SH)
                others_end_s, alone_end_s = _read_ends(room)
                # The last of a turn is late by the way to its client and back: no time of rest.
                on_time = since_s - alone_end_s < lasting_s * LATE_RATIO
                end_s = _start(alone_end_s if on_time else since_s) + lasting_s
                _write_ends(room, max(others_end_s, end_s), alone_end_s)
            yield end_s

    @contextmanager
    def alone(self, since_s: float, lasting_s: float) -> Iterator[float]:
        """Hold the room alone, and the door shut from the moment of asking; yield as above."""
        with _opened(self._door) as door, _opened(self._room) as room:
            fcntl.flock(door, fcntl.LOCK_SH)
            fcntl.flock(room, fcntl.LOCK_EX)
            together_end_s, others_end_s = _read_ends(room)
            end_s = _start(since_s, together_end_s, others_end_s) + lasting_s
            _write_ends(room, together_end_s, end_s)
            yield end_s


def _start(*due_s: float) -> float:
    # What came before has ended by now, whatever a file that was left by a crash may say.
    return min(time.monotonic(), max(due_s))


def _read_ends(room: int) -> tuple[float, float]:
    together_s, alone_s = ENDS.unpack(os.pread(room, ENDS.size, 0).ljust(ENDS.size, b"\0"))
    return together_s, alone_s


def _write_ends(room: int, together_s: float, alone_s: float) -> None:
    os.pwrite(room, ENDS.pack(together_s, alone_s), 0)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A lock belongs to one opening of the file, so threads of a process exclude one another too;
    # closing gives it back.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


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
    lock, service_s = TurnLock(faults.serial_lock), service_ms / 1000
    with lock.together(time.monotonic(), service_s * (1 - share)) as end_s:
        _sleep_until(end_s)
    with lock.alone(end_s, service_s * share / slots) as end_s:
        _sleep_until(end_s)
    return {"ms": service_ms, "serial_share": share}
