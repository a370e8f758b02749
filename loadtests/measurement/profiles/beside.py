"""What is done while a window is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Part(Protocol):
    """Something that runs beside a load."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, if it has begun; more than once does no harm."""


class Beside:
    """Parts that start when a window opens, and stop when it closes."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._parts = parts

    def start(self) -> None:
        """Start all parts."""
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        """Stop all parts, those that were started last first."""
        for part in reversed(self._parts):
            part.stop()


NOTHING = Beside()
