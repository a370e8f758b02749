"""Latency at shares of each cell's capacity: what to measure, and what follows from it. PURE."""

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
"""Reads the samples of a trial; None where they are not there any more."""


def capacities(cells: Sequence[CellResult]) -> dict[Cell, float]:
    """Give the measured capacity of each cell that answered at all, in requests per second."""
    return {
        each.cell: each.throughput_rps.estimate for each in cells if each.throughput_rps.estimate
    }


def results(
    plan: Plan, cells: Sequence[CellResult], trials: Sequence[OpenTrial], read: ReadWaits
) -> tuple[LatencyResult, ...]:
    """Give what is known of each cell's latency at each share, in the plan's order."""
    latency = plan.latency
    if latency is None:
        return ()
    known = capacities(cells)
    counting = [each for each in trials if each.spec.purpose == "level" and not each.set_aside]
    return tuple(
        LatencyResult(
            worker=each.cell.worker,
            workload=each.cell.workload,
            replicas=each.cell.replicas,
            capacity_rps=known.get(each.cell),
            closed_p50_ms=each.p50_ms,
            closed_p99_ms=each.p99_ms,
            levels=tuple(
                _level(plan, each.cell, share, known.get(each.cell), counting, read)
                for share in latency.shares
            ),
        )
        for each in cells
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
        each for each in counting if each.spec.trial.cell == cell and each.spec.share_ratio == share
    ]
    found = [read(each) for each in trials]
    windows = [each for each in found if each is not None]
    late = [each.late_p99_ms for each in trials if each.late_p99_ms is not None]
    state, reason = checks.judge(plan, cell, trials)
    if state == "valid" and len(windows) < len(trials):
        reason = "The samples are not there any more, so percentiles are not known."
        windows = []
    return LevelResult(
        share_ratio=share,
        rate_rps=fmean(each.spec.rate_rps for each in trials)
        if trials
        else share * (capacity_rps or 0.0),
        offered_rps=fmean(each.offered_rps for each in trials) if trials else None,
        rounds=len(trials),
        requests=sum(each.due for each in trials),
        dropped=sum(each.dropped for each in trials),
        failed=sum(each.failed for each in trials),
        response=percentiles([each.response for each in windows]),
        service=percentiles([each.service for each in windows]),
        late_p99_ms=median(late) if late else None,
        state=state,
        reason=reason,
    )
