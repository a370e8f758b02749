"""The interface through which a run reports its progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from loadtests.model.plan import Plan
from loadtests.model.trial import Trial


class Progress(Protocol):
    """Receives the progress of a run."""

    def say(self, line: str) -> None:
        """Report a new phase."""

    def planned(self, plan: Plan) -> None:
        """Report the plan."""

    def measured(self, trials: Sequence[Trial]) -> None:
        """Report all trials so far, after each trial."""

    def close(self) -> None:
        """End the report."""
