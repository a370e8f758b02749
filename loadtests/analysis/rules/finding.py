"""How a rule's finding is made, and how many windows a fault has to be in."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.model.plan import Cell
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleCode, RuleState

MOST_COVERED = 3
"""Windows of a cell in which a fault cannot move a factor's interval off the truth.

A fault that shifts ln D by δ in k of R rounds shifts its mean by kδ/R and widens the interval to
t·δ·√(k(R − k)/(R − 1))/R on either side; the truth stays inside while k ≤ R·t²/(R − 1 + t²), which
is 3.1 at R = 4, 3.4 at 6 and 3.7 at 12."""

COVERED_PART = 4
"""At few rounds no more than every fourth window may have a fault, for the same reason."""


def broad(values: Sequence[float]) -> float:
    """Give what is reached in more windows than a factor's interval covers by itself.

    The greatest value but for as many as may be wrong without harm: the fourth of twelve, the
    second of six, the first of three. A median would let a fault in nearly half of them pass, and
    the greatest one would take a run away for one hiccup that its interval already holds.
    """
    ranked = sorted(values, reverse=True)
    return ranked[covered(len(ranked))]


def covered(windows: int) -> int:
    """Give in how many of a cell's windows a fault is covered by a factor's interval."""
    return min(MOST_COVERED, windows // COVERED_PART)


def found(
    code: RuleCode,
    cell: Cell | None,
    *,
    broken: bool,
    figure: float | None,
    limit: float | None,
    detail: str,
) -> Finding:
    """Give the finding of a rule that was checked; ``detail`` says what was seen either way."""
    return Finding(
        code=code,
        state=RuleState.BROKEN if broken else RuleState.HOLDS,
        cell=cell,
        figure=figure,
        limit=limit,
        detail=detail,
    )


def unchecked(code: RuleCode, cell: Cell | None, why: str) -> Finding:
    """Give the finding of a rule that cannot be checked here, with the reason."""
    return Finding(
        code=code, state=RuleState.UNCHECKED, cell=cell, figure=None, limit=None, detail=why
    )
