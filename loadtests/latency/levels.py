"""Latency at shares of each cell's capacity: what to measure, and what follows from it. PURE."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean, median

from loadtests.latency import checks
from loadtests.latency.model import LatencyPlan, LatencyResult, LevelResult, Objective
from loadtests.latency.quantiles import percentiles
from loadtests.latency.reduction import Waits
from loadtests.latency.trial import OpenSpec, OpenTrial
from loadtests.model import Cell, CellResult, Plan, TrialSpec

SHARES = (0.5, 0.7, 0.9)
"""Of the measured capacity: from where hardly anything waits to where queues have to show."""

ROUNDS = 4
ROUNDS_QUICK = 2
"""An interval by rounds needs two; four have each of four replicas once alone."""

SETTLE_S = 1.0
WINDOW_S = 4.0
SETTLE_QUICK_S = 0.5
WINDOW_QUICK_S = 2.0
"""Longer than in a closed loop, where all queues are full at once: near the capacity a queue takes
seconds to become as long as it gets (some 1 ÷ (1 − load)² services; Kingman 1961)."""

STEP_WINDOWS = 3
STEP_WINDOWS_QUICK = 2
STEPS_MAX = 5
STEPS_MAX_QUICK = 2
"""Of a search: after the levels two halvings are enough mostly, and then each end once or twice."""

OVERHEAD_S = 0.5
"""One trial's drain, counters and messages (measured on 2 cores, 0.3 to 0.6 s)."""

MAX_IN_FLIGHT = 2000
"""Requests in flight at once: under nginx's 8192 connections, of which each takes two, and within
what the replicas' kernels queue (backlog 2048)."""

FEWEST_IN_FLIGHT = 64

ReadWaits = Callable[[OpenTrial], Waits | None]
"""Reads the samples of a trial; None where they are not there any more."""


def plan_latency(objective: Objective | None, *, cells: int, quick: bool) -> LatencyPlan:
    """Plan the open-loop trials of so many cells."""
    settle_s, window_s = (SETTLE_QUICK_S, WINDOW_QUICK_S) if quick else (SETTLE_S, WINDOW_S)
    rounds = ROUNDS_QUICK if quick else ROUNDS
    windows, steps = (STEP_WINDOWS_QUICK, STEPS_MAX_QUICK) if quick else (STEP_WINDOWS, STEPS_MAX)
    if objective is None:
        steps = 0
    trials = cells * (rounds * len(SHARES) + windows * steps)
    return LatencyPlan(
        shares=SHARES,
        rounds=rounds,
        settle_s=settle_s,
        window_s=window_s,
        objective=objective,
        step_windows=windows,
        steps_max=steps,
        expected_s=trials * (settle_s + window_s + OVERHEAD_S),
    )


def capacities(cells: Sequence[CellResult]) -> dict[Cell, float]:
    """Give the measured capacity of each cell that answered at all, in requests per second."""
    return {
        each.cell: each.throughput_rps.estimate for each in cells if each.throughput_rps.estimate
    }


def level_rounds(
    plan: Plan, latency: LatencyPlan, known: Mapping[Cell, float]
) -> tuple[tuple[OpenSpec, ...], ...]:
    """Plan the rounds of the levels: every cell at every share once, in random order.

    The replicas are those of the throughput's rounds, one after the other, so that each stands for
    its cell equally often. The plan's seed decides the order and the arrivals.
    """
    rng = Random(f"{plan.seed}/levels")
    rounds = []
    for number in range(1, latency.rounds + 1):
        wanted = [(cell, share) for cell in plan.cells if cell in known for share in latency.shares]
        rounds.append(
            tuple(
                open_spec(
                    plan,
                    latency,
                    cell,
                    turn=number,
                    position=position,
                    rate_rps=share * known[cell],
                    share_ratio=share,
                    seed=rng.randrange(2**31),
                )
                for position, (cell, share) in enumerate(rng.sample(wanted, len(wanted)), start=1)
            )
        )
    return tuple(rounds)


def open_spec(
    plan: Plan,
    latency: LatencyPlan,
    cell: Cell,
    *,
    turn: int,
    position: int,
    rate_rps: float,
    share_ratio: float,
    seed: int,
    step: int = 0,
) -> OpenSpec:
    """Describe one open-loop trial; ``turn`` (from 1) picks the cell's replicas of that round."""
    base = _member_spec(plan, cell, turn)
    span_s = latency.settle_s + latency.window_s
    prefix = f"o{step:02d}-{turn:02d}" if step else f"l{turn:02d}"
    tail = f"{cell.worker}-{cell.workload}-{cell.replicas}"
    percent = "" if step else f"-{round(100 * share_ratio)}"
    return OpenSpec(
        purpose="objective" if step else "level",
        step=step,
        share_ratio=share_ratio,
        rate_rps=rate_rps,
        seed=seed,
        max_in_flight=max(FEWEST_IN_FLIGHT, min(MAX_IN_FLIGHT, math.ceil(rate_rps * span_s))),
        trial=replace(
            base,
            id=f"{prefix}-{position:02d}-{tail}{percent}",
            round=turn,
            position=position,
        ),
    )


def _member_spec(plan: Plan, cell: Cell, turn: int) -> TrialSpec:
    specs = plan.rounds[(turn - 1) % len(plan.rounds)]
    return next(spec for spec in specs if spec.cell == cell)


# -- what follows from it ---------------------------------------------------------------------


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
