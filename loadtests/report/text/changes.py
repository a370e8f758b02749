"""What was changed, ignored or added, in one block of every report. PURE."""

from __future__ import annotations

from loadtests.model.result import RunResult

TITLE = "What was changed, ignored or added"


def changes(result: RunResult) -> list[str]:
    """Return a sentence for each thing that is not as the user has it, or was not asked for."""
    return list(dict.fromkeys((*result.plan.notes, *result.plan.tested.notes)))
