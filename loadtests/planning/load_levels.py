"""Plans the open-loop trials of each cell, at shares of its capacity. PURE."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from loadtests.model.latency import LatencyPlan, Objective
from loadtests.model.open_trial import OpenSpec
from loadtests.model.plan import Cell, Plan, TrialSpec

SHARES = (0.5, 0.7, 0.9)
"""Shares of the measured capacity: from almost no waiting to long queues."""

ROUNDS = 4
ROUNDS_QUICK = 2
"""An interval by rounds needs two. In four, each of four replicas is once a cell of one."""

SETTLE_S = 1.0
WINDOW_S = 4.0
SETTLE_QUICK_S = 0.5
WINDOW_QUICK_S = 2.0
"""Longer than in a closed loop, whose queues are full at once. Near the capacity, a queue takes
seconds to reach its mean length (about 1 ÷ (1 − load)² service times; Kingman 1961)."""

STEP_WINDOWS = 3
STEP_WINDOWS_QUICK = 2
STEPS_MAX = 5
STEPS_MAX_QUICK = 2
"""Steps of a search: two halvings after the levels are mostly enough, then one or two per end."""

OVERHEAD_S = 0.5
"""A trial's drain, counters and messages take 0.3 to 0.6 s on 2 cores."""

MAX_IN_FLIGHT = 2000
"""Largest number of requests in flight. Each takes two of nginx's 8192 connections, and the listen
queue of a replica holds 2048."""

FEWEST_IN_FLIGHT = 64


def plan_latency(objective: Objective | None, *, cells: int, quick: bool) -> LatencyPlan:
    """Return the plan of the open-loop trials of ``cells`` cells."""
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


def level_rounds(
    plan: Plan, latency: LatencyPlan, capacity_of: Mapping[Cell, float]
) -> tuple[tuple[OpenSpec, ...], ...]:
    """Return the rounds of the levels: every cell at every share once, in random order.

    ``capacity_of`` is in requests per second. The replicas rotate as in the closed-loop rounds, so
    each is used equally often. The plan's seed decides the order and the arrivals.
    """
    rng = Random(f"{plan.seed}/levels")
    rounds = []
    for number in range(1, latency.rounds + 1):
        levels = [
            (cell, share) for cell in plan.cells if cell in capacity_of for share in latency.shares
        ]
        rounds.append(
            tuple(
                open_spec(
                    plan,
                    latency,
                    cell,
                    turn=number,
                    position=position,
                    rate_rps=share * capacity_of[cell],
                    share_ratio=share,
                    seed=rng.randrange(2**31),
                )
                for position, (cell, share) in enumerate(rng.sample(levels, len(levels)), start=1)
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
    """Return one open-loop trial with the replicas that the cell has in round ``turn`` (from 1)."""
    closed = _member_spec(plan, cell, turn)
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
            closed,
            id=f"{prefix}-{position:02d}-{tail}{percent}",
            round=turn,
            position=position,
        ),
    )


def _member_spec(plan: Plan, cell: Cell, turn: int) -> TrialSpec:
    specs = plan.rounds[(turn - 1) % len(plan.rounds)]
    return next(spec for spec in specs if spec.cell == cell)
