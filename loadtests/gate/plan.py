"""From options and a machine to everything that a gate will do. PURE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean

from loadtests.gate.analysis import error_spending
from loadtests.gate.model import (
    EndpointName,
    GatePlan,
    GateTiming,
    Mode,
    SideName,
    StartPair,
    WorkerLoad,
)
from loadtests.gate.options import GateOptions, path_of
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.planning import warmup
from loadtests.planning.budget import split_cores

REPLICA_CPUS = 0.25
"""CPU of each replica. The two of a pair share one core, so that whatever slows it slows both: on a
shared machine the speeds of two cores change by 10 to 30 % from window to window, each on its own
(measured: SD of a pair's ratio 17 % on two cores, 2.6 % on one). Together they have half of it, so
that generators and proxy never decide how much a replica can do."""

MOST_LANES = 4
"""Pairs at a time, one on each core: two generators more for each."""

FEWEST_CORES = 2

LOOKS = 12
"""Up to 768 pairs; ``--append`` can reach them all, one call as many as its minutes allow."""

P50_MARGINS = 2
P99_MARGINS = 5
SCALING_MARGINS = 2
"""How many times the margin the noisier endpoints are allowed, and have to be shown within. Where
starts differ by 2 to 4 % in throughput, the 99th percentile of a second or two differs by 15 to
25 %, and a doubling factor, measured in turns, by 4 to 6 %."""

TIMING = GateTiming(
    first_settle_s=0.6,
    settle_s=0.3,
    closed_s=2.4,
    open_s=1.8,
    scaling_s=1.2,
    drain_limit_s=15.0,
)
"""Windows are whole numbers of the kernel's CPU period of 100 ms. A fresh start is given 0.6 s to
load what it loads with its first requests."""

STEP_S = 8.2
BLOCK_S = 6.5
"""As many pairs as there are lanes, and one scaling block, with settling, draining and messages
(measured on 2 cores)."""

OPEN_RATIO = 0.6
"""The open loop's arrival rate, the same for both sides, as a share of what base can do."""

TWIN_GAPS = 0.5
"""By how much of the mean time between arrivals those of one side are later than the other's."""


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """One window of a pair: how it is loaded, and which side is first.

    Its generator is told first, and its arrivals come first; ``seed`` is that of both sides'.
    """

    mode: Mode
    base_first: bool
    seed: int


def make_plan(options: GateOptions, machine: Machine, *, seed: int) -> GatePlan:
    """Plan a gate of checked ``options``; the same arguments give the same plan."""
    if machine.cores < FEWEST_CORES or not machine.can_budget or not machine.can_pin:
        lacking = (
            f"{machine.cores} core(s)"
            if machine.cores < FEWEST_CORES
            else "no way to give a container a CPU budget and cores"
        )
        raise PlanError(
            f"This machine has {lacking}; base and head side by side need a core each, and a"
            " budget. Use a runner with 2 cores and Docker with cgroups."
        )
    services, replicas = split_cores(machine)
    if len(replicas) < FEWEST_CORES:  # two cores in all: generator and proxy share them
        services, replicas = (), machine.core_ids
    first, blocks = error_spending.PAIR_LOOKS[0], error_spending.BLOCK_LOOKS[0] * options.scaling
    lanes = len(replicas[:MOST_LANES])
    first_s = math.ceil(first / lanes) * STEP_S + blocks * BLOCK_S
    if first_s > 60 * options.max_minutes:
        raise PlanError(
            f"--max-minutes {options.max_minutes:g} is too little: the first look at"
            f" {first} starts takes {first_s / 60:.1f} minutes of measuring for each worker model."
            " Allow them" + (", or leave scaling out: --no-scaling." if options.scaling else ".")
        )
    margins = {
        EndpointName.THROUGHPUT: options.margin,
        EndpointName.CPU: options.margin,
        EndpointName.P50: _times(options.margin, P50_MARGINS),
        EndpointName.P99: _times(options.margin, P99_MARGINS),
    }
    if options.scaling:
        margins[EndpointName.SCALING] = _times(options.margin, SCALING_MARGINS)
    return GatePlan(
        seed=seed,
        workers=options.workers,
        workload=options.workload,
        path=path_of(options.workload),
        margins=margins,
        alpha=error_spending.ALPHA,
        beta=error_spending.BETA,
        looks=error_spending.looks(error_spending.PAIR_LOOKS, LOOKS),
        block_looks=error_spending.looks(error_spending.BLOCK_LOOKS, LOOKS),
        max_minutes=options.max_minutes,
        replica_cpus=REPLICA_CPUS,
        cores=replicas[:MOST_LANES],
        service_cores=services,
        timing=TIMING,
    )


def _times(margin: float, factor: int) -> float:
    return min(0.9, round(margin * factor, 4))


def pair_windows(plan: GatePlan, worker: str, number: int) -> tuple[WindowSpec, ...]:
    """Give the windows of a pair, in order: one closed, and two open ones, before or after it.

    Both sides of an open window have the same arrivals, so that luck with them cancels (common
    random numbers: Law, *Simulation Modeling and Analysis*, 11.2); ``twin_s`` keeps each request
    from meeting its twin on the core. Which mode comes first, and which side is first, takes all
    four forms in four pairs, in an order that is drawn: so it is balanced over the looks.
    """
    forms = [(mode, base_first) for mode in Mode for base_first in (True, False)]
    Random(f"{plan.seed} {worker} {(number - 1) // len(forms)}").shuffle(forms)
    first, base_first = forms[(number - 1) % len(forms)]
    drawn = Random(f"{plan.seed} {worker} {number} arrivals")

    def spec(mode: Mode, *, base_first: bool) -> WindowSpec:
        return WindowSpec(mode=mode, base_first=base_first, seed=drawn.randrange(2**31))

    closed = (spec(Mode.CLOSED, base_first=base_first),)
    opened = tuple(spec(Mode.OPEN, base_first=each) for each in (base_first, not base_first))
    return closed + opened if first is Mode.CLOSED else opened + closed


def twin_s(spec: WindowSpec, side: SideName, rate_rps: float) -> float:
    """Give how much later the arrivals of a side are than those of the side that is first.

    Measured over 96 pairs of one version, every other one: with arrivals of their own, which the
    sides exchanged for the second window, the medians of two windows differed by 49 % (SD), with
    these by 22 %, the 99th percentiles by 68 and 43 %; the median of gates of 16 pairs by 4.4 and
    2.5 %.
    """
    first = (side is SideName.BASE) is spec.base_first
    return 0.0 if first else TWIN_GAPS / rate_rps


def load_now(plan: GatePlan, load: WorkerLoad, before: Sequence[StartPair]) -> WorkerLoad:
    """Give the load of the next pairs: the open loop's rate is a share of what base does now.

    ``before`` are the pairs so far of this worker model and session; their last step tells. A
    machine that is shared changes its speed by tens of per cent within a gate: a rate that was 60 %
    of what base could do was all of it after two minutes, requests waited without end, and the
    medians of single starts differed by 30 % (seen) instead of 9 %.
    """
    rates = [
        window.base.throughput_rps
        for pair in before[-len(plan.cores) :]
        for window in pair.windows
        if window.mode is Mode.CLOSED
    ]
    if not all(rates) or not rates:
        return load
    return replace(load, rate_rps=round(OPEN_RATIO * fmean(rates), 1))


def settle_s(
    plan: GatePlan, load: WorkerLoad, planned_s: float, *, what: object, number: int
) -> float:
    """Give the seconds of settling of the closed window of pair or block ``number``.

    ``what`` is what other windows of its kind have in common with it.
    """
    answer_s = OPEN_RATIO * load.users / load.rate_rps
    luck = warmup.part(plan.seed, (load.worker, what), number)
    return warmup.settle_s(answer_s, planned_s, part=luck)


def lane_of(plan: GatePlan, number: int) -> int:
    """Give the lane (an index of the plan's cores) of a start or a block."""
    return (number - 1) % len(plan.cores)


def block_order(plan: GatePlan, worker: str, number: int) -> tuple[tuple[SideName, int], ...]:
    """Give the order of a scaling block: side and number of replicas.

    Drawn for every two blocks; the second has it backwards, so that what drifts cancels.
    """
    order = [(side, replicas) for side in SideName for replicas in (1, 2)]
    Random(f"{plan.seed} {worker} {(number - 1) // 2} block").shuffle(order)
    return tuple(order if number % 2 else reversed(order))


def block_members(plan: GatePlan, number: int, starts: int) -> tuple[int, int]:
    """Give the two starts (numbers from 1) of a scaling block; the first is also measured alone.

    Both are of the block's lane, whose starts share what replicas share. They go round in a ring,
    so that each is first as often as second, and what is its own cancels.
    """
    lanes = len(plan.cores)
    ring = [
        start for start in range(1, starts + 1) if lane_of(plan, start) == lane_of(plan, number)
    ]
    turn = (number - 1) // lanes
    first = turn % len(ring)
    step = 1 + turn // len(ring) % max(1, len(ring) - 1)
    return ring[first], ring[(first + step) % len(ring)]


def fewest_starts(plan: GatePlan) -> int:
    """Give how many starts of each side a stack has at least: two of a lane for a block."""
    return 2 * len(plan.cores)
