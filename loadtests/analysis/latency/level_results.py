"""Latency of each cell at shares of its capacity, from the open-loop trials. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median

from loadtests.analysis.latency import checks
from loadtests.analysis.latency.quantiles import percentiles
from loadtests.analysis.latency.reduction import Waits
from loadtests.model.latency import LatencyResult, LevelResult
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult

ReadWaits = Callable[[OpenTrial], Waits | None]
"""Reads the samples of a trial; None where they are missing."""


def capacities(cells: Sequence[CellResult]) -> dict[Cell, float]:
    """Return the measured capacity in requests per second of each cell that has one."""
    return {
        result.cell: result.throughput_rps.estimate
        for result in cells
        if result.throughput_rps.estimate
    }


def results(
    plan: Plan, cells: Sequence[CellResult], trials: Sequence[OpenTrial], read: ReadWaits
) -> tuple[LatencyResult, ...]:
    """Return each cell's latency at each share of its capacity, in the plan's order."""
    latency = plan.latency
    if latency is None:
        return ()
    capacity_of = capacities(cells)
    counting = [trial for trial in trials if trial.spec.purpose == "level" and not trial.set_aside]
    return tuple(
        LatencyResult(
            worker=result.cell.worker,
            workload=result.cell.workload,
            replicas=result.cell.replicas,
            capacity_rps=capacity_of.get(result.cell),
            closed_p50_ms=result.p50_ms,
            closed_p99_ms=result.p99_ms,
            levels=tuple(
                _level(plan, result.cell, share, capacity_of.get(result.cell), counting, read)
                for share in latency.shares
            ),
        )
        for result in cells
    )


def _level(
    plan: Plan,
    cell: Cell,
    share: float,
    capacity_rps: float | None,
    counting: Sequence[OpenTrial],
    read: ReadWaits,
) -> LevelResult:
    trials = [
        trial
        for trial in counting
        if trial.spec.trial.cell == cell and trial.spec.share_ratio == share
    ]
    windows = [waits for trial in trials if (waits := read(trial)) is not None]
    delays = [trial.late_p99_ms for trial in trials if trial.late_p99_ms is not None]
    state, reason = checks.judge(plan, cell, trials)
    if state == "valid" and len(windows) < len(trials):
        reason = "The samples are missing, so the percentiles are unknown."
        windows = []
    return LevelResult(
        share_ratio=share,
        rate_rps=fmean(trial.spec.rate_rps for trial in trials)
        if trials
        else share * (capacity_rps or 0.0),
        offered_rps=fmean(trial.offered_rps for trial in trials) if trials else None,
        rounds=len(trials),
        requests=sum(trial.due for trial in trials),
        dropped=sum(trial.dropped for trial in trials),
        failed=sum(trial.failed for trial in trials),
        response=percentiles([waits.response for waits in windows]),
        service=percentiles([waits.service for waits in windows]),
        late_p99_ms=median(delays) if delays else None,
        state=state,
        reason=reason,
    )
