"""What a run tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from loadtests.model.plan import Plan
from loadtests.model.trial import Trial


class Progress(Protocol):
    """Told what a run does, as it does it."""

    def say(self, line: str) -> None:
        """Hear of a new phase."""

    def planned(self, plan: Plan) -> None:
        """Hear what will be done."""

    def measured(self, trials: Sequence[Trial]) -> None:
        """Hear of the trials so far, after each one."""

    def close(self) -> None:
        """Hear that nothing more will come."""
