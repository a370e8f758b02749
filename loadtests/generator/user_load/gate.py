"""The gate of users who live from trial to trial: between two of them it holds everybody."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import gevent
from locust.exception import StopUser

from loadtests.generator.loops.limit import Limit
from loadtests.generator.loops.open import OpenGate

MayGo = Callable[[Any], bool]
"""Whether a greenlet that waits belongs to a user of the next trial."""


class PauseGate:
    """Admits requests during a trial; a request after its end waits for the next trial."""

    def __init__(self, limit: Limit | None = None) -> None:
        """``limit`` is the process's own; None means any number of requests a second."""
        self._ends = 0.0
        self._open: OpenGate | None = None
        self._waiting: list[Any] = []
        self._timers: list[Any] = []
        self._loop: Any = gevent.get_hub().loop
        self._limit = limit

    def watch(self, opens: float, closes: float) -> None:
        """Count from now on how long users wait for the limit between these moments."""
        if self._limit is not None:
            self._limit.watch(opens, closes)

    @property
    def held_s(self) -> float:
        """For how long the limit held users back in the window, all together."""
        return 0.0 if self._limit is None else self._limit.held_s

    def admit(self) -> float:
        """Return the moment at which the request was due, as soon as it may be sent."""
        if self._limit is not None:
            self._limit.wait()
        now = monotonic()
        if now < self._ends:
            return now
        return self._admit_later()

    def rest(self) -> None:
        """Wait for the next trial if there is none: a user without requests calls this."""
        while self._open is None and monotonic() >= self._ends:
            self._wait()

    @property
    def waiting(self) -> int:
        """How many requests wait for the next trial."""
        return len(self._waiting)

    def holds(self, greenlet: Any) -> bool:
        """Return whether a user's greenlet waits for the next trial."""
        return greenlet in self._waiting

    def hold(self) -> float:
        """Wait for a trial that includes the user, who is left out of this one."""
        self._wait()
        return self.admit()

    def begin_closed(self, ends: float, spread_s: float, may_go: MayGo) -> None:
        """Begin a closed loop that ends at ``ends``; those who wait go within ``spread_s``."""
        self._ends = ends
        self._wake(spread_s, may_go)

    def begin_open(self, gate: OpenGate, may_go: MayGo) -> None:
        """Begin an open loop: ``gate`` says when each request is due."""
        self._open = gate
        self._wake(0.0, may_go)

    def end(self) -> None:
        """End the trial: from now on everybody waits."""
        self._ends = 0.0
        self._open = None
        self._timers.clear()

    def _admit_later(self) -> float:
        while True:
            if self._open is not None:
                try:
                    return self._open.admit()
                except StopUser:  # no arrivals are left in this trial
                    pass
            elif (now := monotonic()) < self._ends:
                return now
            self._wait()

    def _wait(self) -> None:
        greenlet = gevent.getcurrent()
        self._waiting.append(greenlet)
        try:
            gevent.get_hub().switch()
        except BaseException:
            if greenlet in self._waiting:
                self._waiting.remove(greenlet)
            raise

    def _wake(self, spread_s: float, may_go: MayGo) -> None:
        waiting = [greenlet for greenlet in self._waiting if may_go(greenlet)]
        self._waiting = [greenlet for greenlet in self._waiting if not may_go(greenlet)]
        for number, greenlet in enumerate(waiting):
            # A timer of the event loop: only the loop may switch to a waiting greenlet.
            timer = self._loop.timer(spread_s * number / len(waiting))
            timer.start(wake, greenlet)
            self._timers.append(timer)


def wake(greenlet: Any) -> None:
    """Go on with ``greenlet``, unless it has ended meanwhile."""
    if not greenlet.dead:
        greenlet.switch()
