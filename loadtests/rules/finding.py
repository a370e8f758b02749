"""How a rule's finding is made."""

from __future__ import annotations

from loadtests.model import Cell, Finding, RuleCode, RuleState


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
