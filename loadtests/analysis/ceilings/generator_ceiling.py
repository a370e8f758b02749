"""The generator's ceiling: its highest rate here, and the share of it that each cell needed. PURE.

It is measured at the start of a run on a static answer of the same proxy, on the same cores. So it
is the ceiling of generator and proxy together, which all requests of a cell pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from loadtests.analysis import samples
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.load import LAG_LIMIT_MS, lost_processes
from loadtests.model.generator_records import LoadDone
from loadtests.model.latency import Ceiling
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult, Finding
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import RuleCode

USERS_A_PROCESS = 16
"""Enough that one user is always ready to send while the others wait."""

SETTLE_S = 0.3
WINDOW_S = 1.0
DRAIN_LIMIT_S = 5.0

NEED_LIMIT_RATIO = 0.85
"""Share of the ceiling that a cell may need, as of a core in the rule ``generator_saturated``."""

THROTTLED_CPU_RATIO = 0.2
"""Share of a core below which a generator at full load counts as throttled, if its timer is late,
too. Even on a core shared with the proxy and another program it gets a third."""


def reduce(done: LoadDone, *, users: int) -> Ceiling:
    """Return the ceiling that a closed loop on the static answer reached."""
    finished = done.finished
    columns = samples.read_columns(done.samples)
    window_s = finished.closed_at_s - finished.opened_at_s
    inside = (columns.done_us >= 0) & (columns.done_us < window_s * samples.MICROSECONDS)
    good = columns.outcome == finished.outcomes.index("ok")
    return Ceiling(
        throughput_rps=int(np.count_nonzero(inside & good)) / window_s,
        cpu_ratio=finished.cpu_s / window_s,
        users=users,
        window_s=window_s,
        processes=finished.workers,
        lag_p99_ms=finished.lag_p99_ms,
        lost_workers=finished.lost_workers,
    )


def with_shares(cells: Sequence[CellResult], ceiling: Ceiling | None) -> tuple[CellResult, ...]:
    """Return the cells with the share of the ceiling that each needed; None where unknown."""
    return tuple(
        replace(cell, ceiling_ratio=_share(cell.throughput_rps.estimate, ceiling)) for cell in cells
    )


def _share(throughput_rps: float | None, ceiling: Ceiling | None) -> float | None:
    if ceiling is None or not ceiling.throughput_rps or throughput_rps is None:
        return None
    return throughput_rps / ceiling.throughput_rps


def check(plan: Plan, trials: Sequence[Trial], ceiling: Ceiling | None) -> tuple[Finding, ...]:
    """Check each cell's throughput against the ceiling: one finding a cell, or one for the run."""
    code = RuleCode.GENERATOR_SATURATED
    if not trials:
        return ()
    if ceiling is None or not ceiling.throughput_rps:
        return (unchecked(code, None, "The generator's ceiling was not measured in this run."),)
    shares: list[tuple[Cell, float]] = []
    for cell in plan.cells:
        rates = [trial.throughput_rps for trial in trials if trial.spec.cell == cell]
        if rates:
            shares.append((cell, fmean(rates) / ceiling.throughput_rps))
    return tuple(_need(cell, share, ceiling) for cell, share in shares)


def throttled(ceiling: Ceiling | None) -> tuple[Finding, ...]:
    """Find a generator that got too little CPU at full load; empty where it got enough."""
    if (
        ceiling is None
        or ceiling.cpu_ratio >= THROTTLED_CPU_RATIO
        or ceiling.lag_p99_ms <= LAG_LIMIT_MS
    ):
        return ()
    return (
        found(
            RuleCode.GENERATOR_SATURATED,
            None,
            broken=True,
            figure=ceiling.cpu_ratio,
            limit=THROTTLED_CPU_RATIO,
            detail=f"At full load the generator got {ceiling.cpu_ratio:.0%} of a core, and its"
            f" timer was {ceiling.lag_p99_ms:.0f} ms late. Something limits its CPU: give it a"
            " whole core.",
        ),
    )


def _need(cell: Cell, share: float, ceiling: Ceiling) -> Finding:
    advice = " Use a machine with more cores for it." if share > NEED_LIMIT_RATIO else ""
    return found(
        RuleCode.GENERATOR_SATURATED,
        cell,
        broken=share > NEED_LIMIT_RATIO,
        figure=share,
        limit=NEED_LIMIT_RATIO,
        detail=f"This throughput is {share:.1%} of the {ceiling.throughput_rps:.0f} requests per"
        f" second that the generator reached on a static answer of the proxy.{advice}",
    )


def lost(
    plan: Plan, calibrations: Sequence[Calibration], ceiling: Ceiling | None
) -> tuple[Finding, ...]:
    """Find generator processes that ended before the first round; empty where none did."""
    missing = sum(step.lost_workers for users in calibrations for step in users.steps)
    missing += ceiling.lost_workers if ceiling else 0
    return lost_processes(missing, of=plan.generator_processes, when="the users were calibrated")
