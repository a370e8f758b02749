"""CPU time that is spent for nothing: a share of what a request of this process costs in all.

What Flask, gunicorn and the kernel take of a request beside the view differs by worker model and by
machine (as much as the view's own 20,000 rounds of hashing on one, a quarter of it on another), so
it is measured, by the process's own CPU clock, and burnt as rounds of hashing, whose cost is
measured at the same moments: a core that changes its speed does so for both. The share is meant as
the counters of a replica that is busy show it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app import work

LOOK_EVERY = 10
"""Requests from one look at the clocks to the next. A look at every request is 0.8 % of a request
by itself (measured)."""

FIRST_ROUNDS = 1000
"""Of hashing, at the first look: what a round costs has to be known first."""

MEMORY_LOOKS = 4
"""Looks over which costs are averaged: the share is that of the load as it is now. A request costs
18 % more where the process mostly waits."""

COUNTED = 1.065
"""CPU that a busy replica's counters show for each second of CPU that is burnt by the clock of its
thread. Measured under gthread: 1.13 on a processor where a request takes 1.8 ms (64 pairs of
starts), 1.00 ± 0.04 on one where it takes 10 ms (80 pairs); why is not known, and no clock of the
process tells which. In between, both show 4.7 to 5.3 of 5 %. A replica that mostly waits shows 0.7
to 0.9 of that."""


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
        self._seen_s: float | None = None
        """The process's clock at the last look; before the first one, what is loaded once is."""
        self._spent_s, self._burnt, self._round_s = _Mean(), _Mean(), _Mean()
        """From look to look: the process's CPU time and the rounds burnt; and a round's time."""
        self._rounds = 0
        """Burnt since the last look."""
        self._due = 0.0
        """Rounds that are still to be burnt, less those that were burnt too many."""

    def burn(self, percent: float) -> None:
        """Burn that many percent of the cost of a request; call it once a request, at its begin."""
        with self._lock:
            self._requests += 1
            look = self._requests % LOOK_EVERY == 0 and percent > 0
            first = look and self._seen_s is None
            if look:
                self._note(self._process_s())
            self._due += self._cost() * percent / 100 / COUNTED
            rounds = FIRST_ROUNDS if first else max(0, int(self._due))
            self._due -= rounds
            self._rounds += rounds
        if look and rounds:
            began_s = self._thread_s()
            work.spin(rounds)
            self._round_s.add((self._thread_s() - began_s) / rounds)
        elif rounds:
            work.spin(rounds)

    def _note(self, now_s: float) -> None:
        if self._seen_s is not None:
            self._spent_s.add(now_s - self._seen_s)
            self._burnt.add(self._rounds)
        self._seen_s, self._rounds = now_s, 0

    def _cost(self) -> float:
        """Give what a request costs without what is burnt for it, in rounds."""
        if not self._spent_s.value or not self._round_s.value:
            return 0.0
        spent = self._spent_s.value / self._round_s.value
        return max(0.0, spent - self._burnt.value) / LOOK_EVERY


class _Mean:
    """A mean that forgets what is long past."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        self._count = min(self._count + 1, MEMORY_LOOKS)
        self.value += (value - self.value) / self._count
