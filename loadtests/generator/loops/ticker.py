"""Measures the generator's own lag: how late a timer of a few milliseconds fires."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import numpy as np

from loadtests.generator.loops.alarm import Alarm

TICK_S = 0.005
"""The ticker's interval: far shorter than a window; 200 ticks a second cost 0.1 % of a core."""


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How late the ticks of a window were, in milliseconds."""

    p99_ms: float
    max_ms: float


class Ticker:
    """Ticks from construction until ``stop``."""

    def __init__(self) -> None:
        self._late_s: list[float] = []
        self._alarm = Alarm(self._tick)
        self._due = monotonic() + TICK_S
        self._alarm.set(self._due)

    def stop(self) -> Lag:
        """Stop, and return the lag; an overdue tick counts with its lateness so far."""
        self._alarm.close()
        late = [*self._late_s, max(0.0, monotonic() - self._due)]
        p99_s, max_s = np.percentile(late, (99, 100))
        return Lag(p99_ms=round(p99_s * 1e3, 3), max_ms=round(max_s * 1e3, 3))

    def _tick(self) -> None:
        now = monotonic()
        # A stall counts as one late tick for each interval that it lasted.
        while self._due <= now:
            self._late_s.append(now - self._due)
            self._due += TICK_S
        self._alarm.set(self._due)
