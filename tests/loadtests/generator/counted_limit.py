"""A limit of the rate that tests can look into."""

from __future__ import annotations

from loadtests.generator.loops.limit import Limit


class CountedLimit(Limit):
    """A limit that counts what passes it, and lets everything pass at once."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.waits = 0

    def wait(self) -> None:
        self.waits += 1
