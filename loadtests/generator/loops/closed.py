"""Closed loop: a user sends its next request when it has its answer."""

from __future__ import annotations

from time import monotonic

from locust.exception import StopUser


class ClosedGate:
    """Admits every user at once, until ``ends`` (a moment of the monotonic clock)."""

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def admit(self) -> float:
        """Return the present moment; raises ``StopUser`` when the load is over."""
        now = monotonic()
        if now >= self._ends:
            raise StopUser
        return now
