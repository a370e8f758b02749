"""The workload ``mixed``: reading, computing, rendering, writing and waiting, as stated in CYCLE.

Every user goes through the same cycle again and again, each from another place in it, so that at
any moment, and in any window, the mixture is the same. Kinds that are alike do not follow one
another.
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
    """Goes through the cycle; its client ends it when the trial is over."""

    @task
    def ask(self) -> None:
        """Ask until the trial is over: without a way back through Locust's choice of a task."""
        request = self.client.request
        start = next(_numbers) % len(CYCLE)
        cycle = (*CYCLE[start:], *CYCLE[:start])
        while True:
            for method, path in cycle:
                request(method, path, allow_redirects=False)
