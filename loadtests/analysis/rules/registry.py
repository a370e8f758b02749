"""Was it the system under test that was measured? PURE.

Eleven rules, each with a code, a limit and the reason for it. A rule that is broken takes the
verdict away from every doubling that it touches; one that cannot be checked here says so. The
figures are kept also where a rule holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from loadtests.analysis import estimates
from loadtests.analysis.rules import budget, load, replica_share, run, system
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Calibration, Trial

CellRule = Callable[[Plan, Cell, Sequence[Trial]], Finding]
RunRule = Callable[[Plan, Sequence[Trial]], Finding]

CELL_RULES: tuple[CellRule, ...] = (
    load.generator_saturated,
    load.proxy_saturated,
    load.errors,
    load.conservation,
    replica_share.replica_share,
    system.idle_cost,
    budget.budget,
    system.host_contention,
)

RUN_RULES: tuple[RunRule, ...] = (run.identity, run.steady)


def check(
    plan: Plan, trials: Sequence[Trial], calibrations: Sequence[Calibration] = ()
) -> tuple[Finding, ...]:
    """Hold every rule against every cell that has trials, and against the run."""
    saturated: CellRule = partial(load.not_saturated, calibrations=calibrations)
    rules = (*CELL_RULES, saturated)
    findings = [
        rule(plan, cell, mine)
        for cell in plan.cells
        if (mine := [trial for trial in trials if trial.spec.cell == cell])
        for rule in rules
    ]
    findings += [
        budget.costlier_requests(plan, small, large, trials)
        for small, large in estimates.doubled_cells(plan)
    ]
    if trials:
        findings += [rule(plan, trials) for rule in RUN_RULES]
    return tuple(findings)
