"""A lock with which all replicas of a machine take turns: side by side, or alone.

The effect of a shared lock on scaling is known exactly if the whole system takes turns: all slots
work side by side, then each does its serial part alone while the others wait. A turn of n replicas
takes (1 − σ)·s + n·σ·s seconds and answers n times the requests of one replica. So the speed-up is
n / (1 + σ·(n − 1)): Amdahl's law, as the synchronous bound of the machine-repairman model (Gunther,
"A General Theory of Computational Scalability Based on Rational Functions", arXiv:0808.1431).
A plain lock has no such effect: the others go on working while one holds it, and nothing is lost
until the lock is held all of the time.

The parts keep to a schedule: each begins when the one before it was due to end. If it began when
the lock was handed over, the handover would add to the serial part (0.6 ms of 1.25 ms), and the way
to the client and back to each turn (3 to 9 ms of 100 ms).
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENDS = struct.Struct("dd")
"""Content of the lock's file: when the last side-by-side part and the last serial part were due to
end, in seconds of the monotonic clock, which all containers of a machine share."""

LATE_RATIO = 0.25
"""How late a request may come and still keep the schedule, as a share of its side-by-side part."""


class TurnLock:
    """A lock for all processes of this machine that can open ``path``, shared or exclusive.

    Exclusive requests go first: new shared ones wait at a second lock, the door, until no exclusive
    request is left. Otherwise a turn would break up into many.
    """

    def __init__(self, path: Path) -> None:
        self._room = path
        self._door = path.with_name(f"{path.name}.door")

    @contextmanager
    def together(self, since_s: float, lasting_s: float) -> Iterator[float]:
        """Hold the lock with others; yield when work wanted at ``since_s`` is due to end."""
        with _opened(self._room) as room:
            with _opened(self._door) as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_SH)
                others_end_s, alone_end_s = _read_ends(room)
                # The last of a turn is late by its way to the client and back, which is no pause.
                on_time = since_s - alone_end_s < lasting_s * LATE_RATIO
                end_s = _start(alone_end_s if on_time else since_s) + lasting_s
                _write_ends(room, max(others_end_s, end_s), alone_end_s)
            yield end_s

    @contextmanager
    def alone(self, since_s: float, lasting_s: float) -> Iterator[float]:
        """Hold the lock alone, the door shut from the beginning; yield as ``together`` does."""
        with _opened(self._door) as door, _opened(self._room) as room:
            fcntl.flock(door, fcntl.LOCK_SH)
            fcntl.flock(room, fcntl.LOCK_EX)
            together_end_s, others_end_s = _read_ends(room)
            end_s = _start(since_s, together_end_s, others_end_s) + lasting_s
            _write_ends(room, together_end_s, end_s)
            yield end_s


def _start(*due_s: float) -> float:
    # Earlier parts have ended by now, whatever a file that a crash left behind may say.
    return min(time.monotonic(), max(due_s))


def _read_ends(room: int) -> tuple[float, float]:
    together_s, alone_s = ENDS.unpack(os.pread(room, ENDS.size, 0).ljust(ENDS.size, b"\0"))
    return together_s, alone_s


def _write_ends(room: int, together_s: float, alone_s: float) -> None:
    os.pwrite(room, ENDS.pack(together_s, alone_s), 0)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Each opening of the file has a lock of its own, so threads of one process exclude one another
    # too. Closing the file releases the lock.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
