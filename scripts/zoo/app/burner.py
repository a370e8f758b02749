"""Burns CPU time: a given share of what a request takes in this process.

Flask, gunicorn and the kernel take CPU beside the view, and how much differs by worker model and
machine. So the cost of a request is measured with the CPU clock of the process, and the share is
burnt as rounds of hashing. Their cost is measured at the same moments, so a change of the core's
speed affects both. The share is what the CPU counters of a busy replica show.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app import work

LOOK_EVERY = 10
"""Requests between two looks at the clocks. One look takes 0.8 % of a request."""

FIRST_ROUNDS = 1000
"""Rounds of hashing at the first look, to learn what a round costs."""

MEMORY_LOOKS = 4
"""Looks over which costs are averaged, so that the share follows the present load. A request takes
18 % more CPU in a process that mostly waits."""

COUNTED = 1.065
"""CPU-seconds that a busy replica's counters show for each CPU-second burnt by its thread's clock.
Measured under gthread: 1.13 on a processor where a request takes 1.8 ms (64 pairs of starts), and
1.00 ± 0.04 where it takes 10 ms (80 pairs); the cause is not known. With the value in between, both
show 4.7 to 5.3 % for 5 %. A replica that mostly waits shows 0.7 to 0.9 of that."""


class Burner:
    """Burns CPU time along with the requests of this process.

    The clocks give CPU-seconds of the process and of the calling thread.
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
        """The process's clock at the last look; None before the first, which leaves out loading."""
        self._spent_s, self._burnt, self._round_s = _Mean(), _Mean(), _Mean()
        """CPU time of the process and rounds burnt, both between looks, and CPU time of a round."""
        self._rounds = 0
        """Rounds burnt since the last look."""
        self._due = 0.0
        """Rounds still to be burnt; negative if too many were burnt."""

    def burn(self, percent: float) -> None:
        """Burn ``percent`` of a request's cost. Call this once a request, at its beginning."""
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
        """Return what a request costs, without what is burnt for it, in rounds of hashing."""
        if not self._spent_s.value or not self._round_s.value:
            return 0.0
        spent = self._spent_s.value / self._round_s.value
        return max(0.0, spent - self._burnt.value) / LOOK_EVERY


class _Mean:
    """A mean of the recent values."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        self._count = min(self._count + 1, MEMORY_LOOKS)
        self.value += (value - self.value) / self._count
