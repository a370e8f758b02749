"""The workload ``mixed``: reads, computes, renders, writes and waits, in the order of CYCLE.

All users repeat the same cycle, each from another starting point. So the mixture is the same in
every window. Requests of the same kind never follow one another.
"""

from __future__ import annotations

from itertools import count

from locust import task

from loadtests.generator.http.user import LeanHttpUser

CYCLE = (
    ("GET", "/db"),
    ("GET", "/cpu"),
    ("GET", "/mixed"),
    ("GET", "/db"),
    ("POST", "/db/write"),
    ("GET", "/db"),
    ("GET", "/cpu"),
    ("GET", "/io"),
    ("GET", "/db"),
    ("GET", "/mixed"),
)

_numbers = count()


class MixedUser(LeanHttpUser):
    """Repeats the cycle until its client stops it at the end of the trial."""

    @task
    def ask(self) -> None:
        """Send requests until the trial is over; a loop there saves Locust's choice of a task."""
        start = next(_numbers) % len(CYCLE)
        self.client.repeat((*CYCLE[start:], *CYCLE[:start]))
