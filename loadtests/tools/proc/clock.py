"""The clocks of the harness, and its pauses."""

from __future__ import annotations

import os
import time

EPOCH_S = time.time() - time.monotonic()
"""What has to be added to the monotonic clock. The system's time may be set at any moment, so it is
read only once."""


def now_s() -> float:
    """Return the seconds since the epoch, by a clock that never goes back nor jumps.

    The generator counts alike, so their moments can be compared.
    """
    return time.monotonic() + EPOCH_S


def monotonic_s() -> float:
    """Return the seconds of a clock that starts anywhere; use it for durations."""
    return time.monotonic()


def own_cpu_s() -> float:
    """Return the CPU-seconds that all threads of this process have used."""
    return time.process_time()


def pause(seconds: float) -> None:
    """Sleep, whatever signals come; ``proc.sleep`` is the one that a signal ends."""
    time.sleep(seconds)


def children_cpu_s() -> float:
    """Return the CPU-seconds of the programs that this process started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system
