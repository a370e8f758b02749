"""Ends a task that computes for ever: it would keep everybody else from running, too.

A signal arrives twice a second. If the event loop has not run for some seconds, an exception is
raised in the code that runs, where its stack names the line.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

import gevent

LIMIT_S = 3.0
"""Longest time without the event loop; answers would be noticed that much too late."""

LOOK_S = 0.5
BEAT_S = 0.25


class NeverEnds(BaseException):
    """A task ran for too long without a request. No ``except Exception`` of it stops this."""


class Watchdog:
    """Watches while the block of ``watching`` runs."""

    def __init__(self) -> None:
        self._beat = 0.0
        self._hub: Any = gevent.get_hub()

    @contextmanager
    def watching(self, limit_s: float = LIMIT_S) -> Iterator[None]:
        """Raise ``NeverEnds`` in code that does not let others run for ``limit_s``."""
        self._beat = monotonic()
        heart = gevent.spawn(self._keep_beating)
        main = gevent.getcurrent()

        def look(_signal: int, _frame: FrameType | None) -> None:
            running = gevent.getcurrent()
            if monotonic() - self._beat > limit_s and running not in {self._hub, main}:
                self._beat = monotonic()
                raise NeverEnds(f"ran for {limit_s:g} s without a request")

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
            heart.kill()

    def _keep_beating(self) -> None:
        while True:
            self._beat = monotonic()
            gevent.sleep(BEAT_S)
