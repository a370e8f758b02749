"""The most that the generator can do here, and how much of it each cell needed. PURE.

Measured at the start of a run against a static answer of the same proxy, on the same cores. It is
the two together that are measured, as it is the two together that a cell's requests pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from loadtests.analysis import samples
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.load import LAG_LIMIT_MS
from loadtests.model.generator_records import LoadDone
from loadtests.model.latency import Ceiling
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult, Finding
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import RuleCode

USERS_A_PROCESS = 16
"""Enough that one is always ready to send while the others wait."""

SETTLE_S = 0.3
WINDOW_S = 1.0
DRAIN_LIMIT_S = 5.0

NEED_LIMIT_RATIO = 0.85
"""Of the ceiling; as of a core, see rule ``generator_saturated``."""


HELD_CPU_RATIO = 0.2
"""Of a core. A generator that asks as fast as it can gets more, even where it shares the core with
the proxy and another program (a third). With less *and* a great lag, something holds it back."""


def reduce(done: LoadDone, *, users: int) -> Ceiling:
    """Work the ceiling out of a closed loop on the static answer."""
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
    """Give the cells with the share of the ceiling that each needed; None where it is not known."""
    return tuple(
        replace(each, ceiling_ratio=_share(each.throughput_rps.estimate, ceiling)) for each in cells
    )


def _share(throughput_rps: float | None, ceiling: Ceiling | None) -> float | None:
    if ceiling is None or not ceiling.throughput_rps or throughput_rps is None:
        return None
    return throughput_rps / ceiling.throughput_rps


def check(plan: Plan, trials: Sequence[Trial], ceiling: Ceiling | None) -> tuple[Finding, ...]:
    """Hold each cell's throughput against the ceiling: one finding a cell, or one for the run."""
    code = RuleCode.GENERATOR_SATURATED
    if not trials:
        return ()
    if ceiling is None or not ceiling.throughput_rps:
        return (unchecked(code, None, "The generator's own ceiling was not measured in this run."),)
    shares: list[tuple[Cell, float]] = []
    for cell in plan.cells:
        rates = [trial.throughput_rps for trial in trials if trial.spec.cell == cell]
        if rates:
            shares.append((cell, fmean(rates) / ceiling.throughput_rps))
    return tuple(_need(cell, share, ceiling) for cell, share in shares)


def held(ceiling: Ceiling | None) -> tuple[Finding, ...]:
    """Tell of a generator that was held to a part of a core when it asked as fast as it could."""
    if ceiling is None or ceiling.cpu_ratio >= HELD_CPU_RATIO or ceiling.lag_p99_ms <= LAG_LIMIT_MS:
        return ()
    return (
        found(
            RuleCode.GENERATOR_SATURATED,
            None,
            broken=True,
            figure=ceiling.cpu_ratio,
            limit=HELD_CPU_RATIO,
            detail=f"As fast as it could, the generator got {ceiling.cpu_ratio:.0%} of a core and"
            f" acted {ceiling.lag_p99_ms:.0f} ms late: something holds it back. Give it a whole"
            " core.",
        ),
    )


def _need(cell: Cell, share: float, ceiling: Ceiling) -> Finding:
    advice = " Give it more cores: --generator-processes." if share > NEED_LIMIT_RATIO else ""
    return found(
        RuleCode.GENERATOR_SATURATED,
        cell,
        broken=share > NEED_LIMIT_RATIO,
        figure=share,
        limit=NEED_LIMIT_RATIO,
        detail=f"This throughput is {share:.1%} of the {ceiling.throughput_rps:.0f} requests per"
        f" second that the generator got out of the proxy's static answer.{advice}",
    )


def lost(
    plan: Plan, calibrations: Sequence[Calibration], ceiling: Ceiling | None
) -> tuple[Finding, ...]:
    """Tell of generator processes that went missing before the first round."""
    missing = sum(step.lost_workers for each in calibrations for step in each.steps)
    missing += ceiling.lost_workers if ceiling else 0
    if not missing:
        return ()
    return (
        found(
            RuleCode.GENERATOR_SATURATED,
            None,
            broken=True,
            figure=missing,
            limit=0,
            detail=f"{missing} of the generator's {plan.generator_processes} processes went missing"
            " while the users were calibrated; see its log.",
        ),
    )
