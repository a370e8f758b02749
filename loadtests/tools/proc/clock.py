"""The clocks of the harness, and its pauses."""

from __future__ import annotations

import time


def now_s() -> float:
    """Return the seconds since the epoch; it may be set back or forth at any time."""
    return time.time()


def monotonic_s() -> float:
    """Return the seconds of a clock that never goes back; use it for durations."""
    return time.monotonic()


def own_cpu_s() -> float:
    """Return the CPU-seconds that all threads of this process have used."""
    return time.process_time()


def pause(seconds: float) -> None:
    """Sleep, whatever signals come; ``proc.sleep`` is the one that a signal ends."""
    time.sleep(seconds)
