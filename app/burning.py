"""CPU time that is spent for nothing: a share of what a request of this process costs in all.

What Flask, gunicorn and the kernel take of a request beside the view differs by worker model and by
machine (as much as the view's own 20,000 rounds of hashing on one, a quarter of it on another), so
it is measured, request by request, by the process's own CPU clock.

Checked by that clock, the share is exact (9.7 % of 10 % over 10,000 requests). By the counters of
whole replicas it is where requests arrive at random (10.1 and 9.6 % of 10 %, 5.1, 5.0 and 4.7 % of
5 %). In a gthread replica whose threads are all busy it is more: 12 % of 10 %, 5 to 7 % of 5 %, and
with a quarter of the hashing 16 and 8 %. That fits a share k of a full replica's CPU that is spent
by time and not by request, (1 + p)(1 − k)/(1 − (1 + p)k), with k = 0.18 and 0.37; what spends it
was not looked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app import work

FIRST_REQUESTS = 10
"""Not counted: they load what is loaded once."""

MEMORY_REQUESTS = 20
"""Requests over which the cost is averaged: cores change their speed within seconds."""

ROUNDS = 25
"""Of hashing between two looks at the clock: some 2 µs, of 200 for 5 % of a request."""


class Burner:
    """Burns CPU time beside the requests of this process.

    The clocks are CPU-seconds of the process and of the calling thread.
    """

    def __init__(
        self,
        process_s: Callable[[], float] = time.process_time,
        thread_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._process_s, self._thread_s = process_s, thread_s
        self._lock = threading.Lock()
        self._requests = 0
        self._seen_s = self._burnt_s = 0.0
        self._cost_s = self._owed_s = 0.0

    def burn(self, percent: float) -> None:
        """Burn that many percent of the mean cost of a request; once a request, at its begin."""
        with self._lock:
            self._note(self._process_s())
            self._owed_s += self._cost_s * percent / 100
            due_s, self._owed_s = self._owed_s, 0.0
        spent_s = self._spend(due_s)
        with self._lock:
            self._burnt_s += spent_s
            self._owed_s += due_s - spent_s

    def _note(self, now_s: float) -> None:
        cost_s = now_s - self._seen_s - self._burnt_s
        self._seen_s, self._burnt_s = now_s, 0.0
        self._requests += 1
        counted = self._requests - FIRST_REQUESTS
        if counted > 0:
            self._cost_s += (cost_s - self._cost_s) / min(counted, MEMORY_REQUESTS)

    def _spend(self, due_s: float) -> float:
        begin_s = now_s = self._thread_s()
        while now_s - begin_s < due_s:
            work.spin(ROUNDS)
            now_s = self._thread_s()
        return now_s - begin_s
