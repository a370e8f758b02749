"""Holds all users of this process to a number of requests a second.

A deployment that others use must not be loaded beyond what its owner allows. A load that reaches
the limit measures the limit, so the harness gives no verdict then. Each process has a part of the
limit, and may reach its own where all together do not. So the time is counted for which users wait
in the window.
"""

from __future__ import annotations

import os
from time import monotonic

from gevent import sleep

VARIABLE = "TWOFOLD_MAX_RPS"
"""The variable with the most requests a second of each process."""


class Limit:
    """Gives each request its own moment, ``1 / most_rps`` seconds after the last one's."""

    def __init__(self, most_rps: float) -> None:
        self._step_s = 1.0 / most_rps
        self._next = 0.0
        self._opens = self._closes = 0.0
        self.held_s = 0.0
        """For how long users have waited in the window, all together."""

    def watch(self, opens: float, closes: float) -> None:
        """Count the waits between these moments of the monotonic clock from now on."""
        self._opens, self._closes = opens, closes
        self.held_s = 0.0

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        now = monotonic()
        due = max(now, self._next)
        self._next = due + self._step_s
        if due > now:
            self.held_s += max(0.0, min(due, self._closes) - max(now, self._opens))
            sleep(due - now)


def of_environment() -> Limit | None:
    """Return the limit that the environment sets, or None."""
    text = os.environ.get(VARIABLE, "")
    return Limit(float(text)) if text else None
