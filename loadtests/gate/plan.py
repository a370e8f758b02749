"""Plans a gate from its options and the machine. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from random import Random
from statistics import fmean
from typing import Any

from loadtests.gate.analysis import error_spending
from loadtests.gate.model.evidence import StartPair, WorkerLoad
from loadtests.gate.model.plan import GatePlan, GateTiming
from loadtests.gate.model.vocabulary import EndpointName, Mode, SideName
from loadtests.gate.options import GateOptions, is_users, load_of, models_of
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import Workload
from loadtests.planning import trial_timing
from loadtests.planning.budget import separate_cores, split_cores
from loadtests.servers.registry import worker_models

REPLICA_CPUS = 0.25
"""CPU of each replica, in cores. The two replicas of a pair share one core, so that anything that
slows the core slows both. Together they have half of it, so that the generators and the proxy never
limit a replica."""

MOST_LANES = 4
"""Maximum number of pairs at a time, one per core; each needs two more generators."""

FEWEST_CORES = 2

LOOKS = 12
"""Number of looks, up to 768 pairs. One call measures as many as its minutes allow; ``--append``
adds more."""

P50_MARGINS = 2
P99_MARGINS = 5
SCALING_MARGINS = 2
"""Margins of the noisier endpoints, as multiples of ``--margin``. Where starts differ by 2 to 4 %
in throughput, 99th percentiles differ by 15 to 25 %, and doubling factors by 4 to 6 %."""

TIMING = GateTiming(
    first_settle_s=0.6,
    settle_s=0.3,
    closed_s=1.8,
    open_s=1.8,
    scaling_s=1.2,
    drain_limit_s=15.0,
)
"""Windows are multiples of the kernel's CPU period of 100 ms. A fresh start gets 0.6 s for what it
loads with its first requests."""

BLOCKS_AT_ONCE = 2
"""Scaling blocks that are measured at the same time, each in a lane of its own."""

BlockTurn = tuple[SideName, int]
"""One window of a scaling block: the version, and how many replicas of it are loaded."""

STEP_S = 7.2
BLOCK_S = 7.3
"""Seconds for one pair per lane, and for two scaling blocks, with warmup, draining and messages
(measured on 2 cores)."""

OPEN_RATIO = 0.6
"""The open loop's arrival rate for both versions, as a share of base's capacity."""

TWIN_GAPS = 0.5
"""Delay of one version's arrivals after the other's, as a share of the mean time between
arrivals."""


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """One window of a pair: its mode, and the version that goes first.

    The first version's generator starts first, and its arrivals come first. Both use ``seed``.
    """

    mode: Mode
    base_first: bool
    seed: int


def make_plan(options: GateOptions, machine: Machine, *, seed: int) -> GatePlan:
    """Return a gate's plan from checked options; raise :class:`PlanError` if it is impossible."""
    if machine.cores < FEWEST_CORES or not machine.can_budget or not machine.can_pin:
        problem = (
            f"{machine.cores} core(s)"
            if machine.cores < FEWEST_CORES
            else "no way to give a container a CPU budget and cores"
        )
        raise PlanError(
            f"This machine has {problem}; running base and head side by side needs 2 cores and"
            " CPU budgets. Use a runner with 2 cores and Docker with cgroups."
        )
    services, replicas = split_cores(machine)
    if len(replicas) < FEWEST_CORES:  # two cores in all: generator and proxy share them
        services, replicas = (), separate_cores(machine)
    first, blocks = error_spending.PAIR_LOOKS[0], error_spending.BLOCK_LOOKS[0] * options.scaling
    lanes = len(replicas[:MOST_LANES])
    first_s = measuring_s(first, blocks, lanes=lanes)
    if first_s > 60 * options.max_minutes:
        raise PlanError(
            f"--max-minutes {options.max_minutes:g} is too short: the first look at"
            f" {first} starts measures for {first_s / 60:.1f} minutes per worker model."
            " Allow that much"
            + (", or leave scaling out: --no-scaling." if options.scaling else ".")
        )
    models, load = models_of(options), load_of(options)
    return GatePlan(
        **_of_project(options, load),
        models=models,
        asked=load if load.is_users else None,
        seed=seed,
        workers=tuple(models),
        workload=path_without_secrets(load.name),
        path=load.path,
        margins=_margins(options),
        alpha=error_spending.ALPHA,
        beta=error_spending.BETA,
        looks=error_spending.looks(error_spending.PAIR_LOOKS, LOOKS),
        block_looks=error_spending.looks(error_spending.BLOCK_LOOKS, LOOKS),
        max_minutes=options.max_minutes,
        replica_cpus=REPLICA_CPUS,
        cores=replicas[:MOST_LANES],
        service_cores=services,
        timing=TIMING,
        profile=options.profile,
        start_limit_s=options.start_limit_s,
    )


def _of_project(options: GateOptions, load: Workload) -> dict[str, Any]:
    """Return the fields of a plan that a project has; the sample application's are the defaults."""
    project = options.project
    if project is None:
        return {}
    own: dict[str, Any] = {"checks": project.checks, "tested": project.tested}
    return own | ({"health": project.tested.health or load.path} if is_users(options) else {})


def _margins(options: GateOptions) -> dict[EndpointName, float]:
    margins = {
        EndpointName.THROUGHPUT: options.margin,
        EndpointName.CPU: options.margin,
        EndpointName.P50: _times(options.margin, P50_MARGINS),
        EndpointName.P99: _times(options.margin, P99_MARGINS),
    }
    if options.scaling:
        margins[EndpointName.SCALING] = _times(options.margin, SCALING_MARGINS)
    return margins


def _times(margin: float, factor: int) -> float:
    return min(0.9, round(margin * factor, 4))


def served_by(plan: GatePlan, worker: str) -> Mapping[SideName, WorkerModel]:
    """Return how each version is served; the plans of older gates name a built-in model."""
    models = plan.models.get(worker) or (worker_models()[worker],) * 2
    return dict(zip(SideName, models, strict=True))


def pair_windows(plan: GatePlan, worker: str, number: int) -> tuple[WindowSpec, ...]:
    """Return the windows of a pair, in order: one closed window, before or after two open ones.

    Both versions have the same arrivals in an open window, so that their randomness cancels (common
    random numbers: Law, *Simulation Modeling and Analysis*, 11.2). ``twin_s`` keeps equal requests
    from meeting on the core. Four pairs cover all four orders of modes and versions, in random
    sequence, so the orders are balanced at every look.
    """
    forms = [(mode, base_first) for mode in Mode for base_first in (True, False)]
    Random(f"{plan.seed} {worker} {(number - 1) // len(forms)}").shuffle(forms)
    first_mode, base_first = forms[(number - 1) % len(forms)]
    random = Random(f"{plan.seed} {worker} {number} arrivals")

    def spec(mode: Mode, *, base_first: bool) -> WindowSpec:
        return WindowSpec(mode=mode, base_first=base_first, seed=random.randrange(2**31))

    closed = (spec(Mode.CLOSED, base_first=base_first),)
    opened = tuple(
        spec(Mode.OPEN, base_first=is_base_first) for is_base_first in (base_first, not base_first)
    )
    return closed + opened if first_mode is Mode.CLOSED else opened + closed


def twin_s(spec: WindowSpec, side: SideName, rate_rps: float) -> float:
    """Return the delay of a version's arrivals after the first version's, in seconds."""
    first = (side is SideName.BASE) is spec.base_first
    return 0.0 if first else TWIN_GAPS / rate_rps


def load_now(plan: GatePlan, load: WorkerLoad, before: Sequence[StartPair]) -> WorkerLoad:
    """Return the load of the next pairs, whose open-loop rate follows base's present throughput.

    ``before`` are this session's pairs of the worker model; those measured last give the rate. A
    shared machine's speed changes by tens of per cent within a gate, so a fixed rate could overload
    it.
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
    """Return the warmup of the closed window of pair or block ``number``, in seconds.

    ``what`` identifies the kind of window.
    """
    answer_s = OPEN_RATIO * load.users / load.rate_rps
    part = trial_timing.part(plan.seed, (load.worker, what), number)
    return trial_timing.settle_s(answer_s, planned_s, part=part)


def measuring_s(pairs: int, blocks: int, *, lanes: int) -> float:
    """Return how long so many pairs and scaling blocks take, in seconds; a pair per lane."""
    return math.ceil(pairs / lanes) * STEP_S + math.ceil(blocks / BLOCKS_AT_ONCE) * BLOCK_S


def lane_of(plan: GatePlan, number: int) -> int:
    """Return the lane (an index of the plan's cores) of a start or a block."""
    return (number - 1) % len(plan.cores)


def block_order(plan: GatePlan, worker: str, number: int) -> tuple[BlockTurn, ...]:
    """Return the order of a scaling block.

    The order is random for every two blocks, which are measured at once. The second has base where
    the first has head. So drift cancels, and a version is never loaded in both: its store, and the
    locks in it, are for the replicas of one block.
    """
    order = [(side, replicas) for side in SideName for replicas in (1, 2)]
    Random(f"{plan.seed} {worker} {_block_step(number)} block").shuffle(order)
    if number % BLOCKS_AT_ONCE:
        return tuple(order)
    other = dict(zip(SideName, reversed(SideName), strict=True))
    return tuple((other[side], replicas) for side, replicas in order)


def block_steps(numbers: range) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of the blocks that are measured at once, as far as both are asked for."""
    for _, step in groupby(numbers, _block_step):
        yield tuple(step)


def _block_step(number: int) -> int:
    """Return what the blocks that are measured at once have in common."""
    return (number - 1) // BLOCKS_AT_ONCE


def block_members(plan: GatePlan, number: int, starts: int) -> tuple[int, int]:
    """Return the two starts (numbers from 1) of a scaling block; the first is also measured alone.

    Both are in the block's lane, whose starts share resources as replicas do. Blocks take the
    starts in rotation, so that each is first as often as second, and its own speed cancels.
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
    """Return the minimum number of starts of each version: a block needs two per lane."""
    return 2 * len(plan.cores)
