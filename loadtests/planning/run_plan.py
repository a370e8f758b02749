"""Plans a run from its options and the machine. PURE.

Raises :class:`~loadtests.model.errors.PlanError` where the machine cannot test what the options
ask for; the message says what would fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

from loadtests.config import slo
from loadtests.config.options import (
    MAX_REPLICAS,
    ROUNDS_MAX,
    ROUNDS_MIN,
    Options,
)
from loadtests.model.errors import PlanError
from loadtests.model.latency import LatencyPlan
from loadtests.model.machine import Machine
from loadtests.model.plan import Budget, Cell, Plan, Timing, TrialSpec, Upstream
from loadtests.model.profiles.planned import ProfilePlan
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import TargetKind
from loadtests.model.tested.workload import Workload
from loadtests.planning import (
    external_plan,
    load_levels,
    profile_trials,
    swarm_placement,
    variant_fit,
)
from loadtests.planning.budget import WAITING, budget, fits, generator_cores, split_cores, ways
from loadtests.planning.cells import cells_of, round_order, trial_spec
from loadtests.planning.rotation import Sets, rotations
from loadtests.targets import sample

# A window is a whole number of the kernel's CPU periods of 100 ms. So each window has the same
# number of refills of a replica's budget.
TIMING = Timing(settle_s=0.5, window_s=2.0, drain_limit_s=15.0)
TIMING_QUICK = Timing(settle_s=0.3, window_s=1.0, drain_limit_s=15.0)

OVERHEAD_S = 0.4
"""A trial's drain, counters and messages take 0.2 to 0.6 s on 2 cores."""

START_S = 25.0
"""Seconds to start a built stack, check it, calibrate the users and stop the stack."""

STORE_START_S = 5.0
"""Seconds that a store adds: 2 s as a container, and one more call of Compose."""

FIRST_PORT = 9001

NO_BUDGET = (
    "No CPU budget can be set here, so replicas under CPU load would compete for the same cores."
)
ONE_CORE = (
    "Generator, proxy and replicas share one core, so replicas under CPU load would compete for it."
)
NO_BUDGET_HERE = "no budget can be set here"
ONE_CORE_HERE = "all share one core"
SMALL_BUDGET = "so many have budgets that add up to more than half of their cores"
INSTEAD = "Workload {} is measured instead, whose bottleneck is worker slots."

ONE_SIZE = (
    "Each replica has {cpus:g} CPU, as where {replicas} run: the most that fit here. So replicas"
    " have one size in all doublings."
)

A_WAITING_WORKLOAD = (
    "a workload of requests that wait and hardly use CPU (waits = true in its configuration)"
)


def make_plan(
    options: Options, machine: Machine, *, backend: str, seed: int, project: Project | None = None
) -> Plan:
    """Return a run's plan; it depends only on the arguments. No project means the sample's."""
    project = project or sample.project()
    if project.tested.kind is TargetKind.URL:
        return external_plan.make_plan(options, project, machine, backend=backend, seed=seed)
    counts = tuple(sorted(options.replicas))
    most = counts[-1]
    options, left_out = _with_workers(options, project, backend)
    _check_through(options, project)
    with_store = _with_store(options, project)
    workloads, workers, notes = _what_fits(options, project, machine, most, with_store=with_store)
    each, sized = _size(options, project, machine, workloads, workers, with_store=with_store)
    notes = (*notes, *_placement(machine, workers, most, with_store=with_store), *sized)
    cells = cells_of(workloads, workers, counts)
    least, greatest = _round_limits(options)
    in_turn = project.tested.through is not None
    upstreams, rounds = _rounds(cells, total=most, rounds=greatest, seed=seed, in_turn=in_turn)
    timing = TIMING_QUICK if options.quick else TIMING
    latency = _latency(options, len(cells))
    profile = _profile(options, counts, len(workloads) * len(workers))
    expected_s = partial(_expected_s, timing, latency, profile, len(cells), with_store=with_store)
    return Plan(
        tested=project.tested,
        checks=project.checks,
        reset_command=project.reset_command,
        seed=seed,
        backend=backend,
        workers=tuple(project.workers[name] for name in workers),
        workloads=workloads,
        replica_counts=counts,
        cells=cells,
        rounds_min=least,
        rounds_max=greatest,
        precision_ratio=options.precision_ratio,
        target=options.target,
        budget=each,
        timing=timing,
        upstreams=upstreams,
        rounds=rounds,
        expected_s=expected_s(least),
        expected_max_s=expected_s(greatest),
        notes=(*left_out, *notes),
        latency=latency,
        generator_processes=_generator_processes(options, machine),
        with_store=with_store,
        start_limit_s=options.start_limit_s,
        profile=profile,
    )


def _profile(options: Options, counts: tuple[int, ...], series: int) -> ProfilePlan | None:
    return profile_trials.plan_profiles(counts, series) if options.profile else None


def _placement(
    machine: Machine, workers: tuple[str, ...], most: int, *, with_store: bool
) -> tuple[str, ...]:
    """Return what goes to which node of a Swarm, in sentences."""
    if not machine.nodes:
        return ()
    placed = swarm_placement.place(machine.nodes, workers, most, with_store=with_store)
    return swarm_placement.notes(machine, placed)


def _generator_processes(options: Options, machine: Machine) -> int:
    """Return the number that was asked for, or one for each core of the generator."""
    cores = generator_cores(swarm_placement.of_generator(machine))
    return options.generator_processes or len(cores) or 1


def _share_of(
    machine: Machine,
    workers: tuple[str, ...],
    most: int,
    *,
    with_store: bool,
    stores: tuple[str, ...],
) -> Callable[..., Budget]:
    """Return what gives the budget, once it is known whether requests only wait."""
    if machine.nodes:
        return partial(swarm_placement.budget, machine, workers, most, with_store=with_store)
    return partial(budget, machine, most, with_store=with_store, stores=stores)


def _size(
    options: Options,
    project: Project,
    machine: Machine,
    workloads: tuple[Workload, ...],
    workers: tuple[str, ...],
    *,
    with_store: bool,
) -> tuple[Budget, tuple[str, ...]]:
    """Return the budget, and a note where it is that of more replicas than are measured."""
    most = max(options.replicas)
    stores = project.tested.needs
    shares = partial(_share_of, machine, workers, with_store=with_store, stores=stores)
    sized_for = most
    if options.one_size:
        sized_for = _most_doubled(machine, most, shares, with_store=with_store)
    each = shares(sized_for)(waiting_only=all(workload.waits for workload in workloads))
    if sized_for == most or each.replica_cpus is None:
        return each, ()
    return each, (ONE_SIZE.format(cpus=each.replica_cpus, replicas=sized_for),)


def _most_doubled(
    machine: Machine, most: int, shares: Callable[[int], Callable[..., Budget]], *, with_store: bool
) -> int:
    """Return the largest of the doublings from ``most`` that this machine can test."""
    larger = 2 * most
    if larger > MAX_REPLICAS or not fits(machine, larger, with_store=with_store):
        return most
    try:
        shares(larger)(waiting_only=False)
    except PlanError:
        return most
    return _most_doubled(machine, larger, shares, with_store=with_store)


def _with_workers(
    options: Options, project: Project, backend: str
) -> tuple[Options, tuple[str, ...]]:
    """Return the options with the variants to measure, and notes on those that are left out."""
    workers, left_out = variant_fit.fitted(project, options.workers)
    variant_fit.check_containers(project, workers, backend)
    return replace(options, workers=workers), left_out


def _check_through(options: Options, project: Project) -> None:
    """Raise :class:`PlanError` for several variants behind one proxy of the user's."""
    workers = options.workers or ()
    if project.tested.through is not None and len(workers) > 1:
        raise PlanError(
            f"--through {project.tested.through} passes requests on to the replicas of one variant,"
            f" and here are {len(workers)}: {', '.join(workers)}. Name one (--workers)."
        )


def _with_store(options: Options, project: Project) -> bool:
    """Return whether the replicas have a store: the sample application's, or what they need."""
    requested = options.workloads or project.default_workloads
    stored = (project.workloads[name].needs_store for name in requested)
    # The store of --probe is the sample application's; a target of the user's brings its own.
    probe = options.probe and project.tested.kind is TargetKind.SAMPLE
    return probe or any(stored) or bool(project.tested.needs)


def _expected_s(
    timing: Timing,
    latency: LatencyPlan | None,
    profile: ProfilePlan | None,
    cells: int,
    rounds: int,
    *,
    with_store: bool,
) -> float:
    trial_s = timing.settle_s + timing.window_s + OVERHEAD_S
    beside_s = START_S + STORE_START_S * with_store + (latency.expected_s if latency else 0.0)
    beside_s += profile.expected_s if profile else 0.0
    return beside_s + rounds * cells * trial_s


def _latency(options: Options, cells: int) -> LatencyPlan | None:
    if not options.latency and options.slo is None:
        return None
    objective = slo.parse(options.slo) if options.slo is not None else None
    return load_levels.plan_latency(objective, cells=cells, quick=options.quick)


def _what_fits(
    options: Options, project: Project, machine: Machine, most: int, *, with_store: bool
) -> tuple[tuple[Workload, ...], tuple[str, ...], tuple[str, ...]]:
    """Return workloads, worker models and notes, without what this machine cannot test.

    What the options name explicitly is refused rather than left out.
    """
    requested = options.workloads or project.default_workloads
    asked = tuple(project.workloads[name] for name in requested)
    workers = options.workers or ()
    if fits(machine, most, with_store=with_store):
        return asked, workers, ()
    room = fits(machine, most, with_store=with_store, waiting_only=True)
    of_slots = machine.can_budget and room and all(workload.waits for workload in asked)
    too_many = machine.can_budget and bool(split_cores(machine, with_store=with_store)[1])
    too_many = too_many and not of_slots
    waiting = {name: entry for name, entry in project.workloads.items() if entry.waits}
    if too_many or not waiting or (options.workloads and not waiting.keys() >= set(requested)):
        # Raises PlanError with what would fit.
        hint = WAITING
        if project.tested.kind is not TargetKind.SAMPLE:
            beside = variant_fit.with_their_slots(workers, project, as_started=too_many)
            hint = f"{A_WAITING_WORKLOAD}{beside}"
        budget(machine, most, waiting_only=False, with_store=with_store, waiting=hint)
    others = ways(machine, with_store=with_store)
    if of_slots:
        limited, notes = variant_fit.with_slots(
            workers, project, SMALL_BUDGET, others, as_started=True
        )
        return asked, limited, notes
    obstacle = ONE_CORE_HERE if machine.can_budget else NO_BUDGET_HERE
    limited, notes = variant_fit.with_slots(workers, project, obstacle, others)
    chosen = asked if options.workloads else (next(iter(waiting.values())),)
    instead = INSTEAD.format(", ".join(workload.name for workload in chosen))
    return chosen, limited, (f"{ONE_CORE if machine.can_budget else NO_BUDGET} {instead}", *notes)


def _round_limits(options: Options) -> tuple[int, int]:
    if options.rounds is not None:
        return options.rounds, options.rounds
    if options.quick:
        return ROUNDS_MIN, ROUNDS_MIN
    return ROUNDS_MIN, ROUNDS_MAX


def _members(
    cells: tuple[Cell, ...], *, total: int, rounds: int, rng: Random, in_turn: bool
) -> dict[Cell, Sets]:
    """Return the replicas of each cell in each round."""
    if in_turn:
        return {cell: (tuple(range(1, cell.replicas + 1)),) * rounds for cell in cells}
    sizes: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        sizes.setdefault((cell.worker, cell.workload), []).append(cell.replicas)
    rotated = {
        key: rotations(total=total, sizes=counts, rounds=rounds, rng=rng)
        for key, counts in sizes.items()
    }
    return {cell: rotated[cell.worker, cell.workload][cell.replicas] for cell in cells}


def _rounds(
    cells: tuple[Cell, ...], *, total: int, rounds: int, seed: int, in_turn: bool
) -> tuple[tuple[Upstream, ...], tuple[tuple[TrialSpec, ...], ...]]:
    """Return the ports and the rounds.

    ``in_turn`` means that replicas are added and removed under a proxy that runs on: then the first
    ones always serve. Each worker model has a port with one replica, even where no cell has one:
    the users are calibrated there.
    """
    rng = Random(seed)
    members = _members(cells, total=total, rounds=rounds, rng=rng, in_turn=in_turn)
    used = {(cell.worker, group) for cell in cells for group in members[cell]}
    with_one = {worker for worker, group in used if len(group) == 1}
    sets = sorted(used | {(cell.worker, (1,)) for cell in cells if cell.worker not in with_one})
    ports = {key: FIRST_PORT + offset for offset, key in enumerate(sets)}
    upstreams = tuple(Upstream(port=ports[key], worker=key[0], members=key[1]) for key in sets)
    planned = tuple(
        tuple(
            trial_spec(
                number + 1,
                position,
                cell,
                members=members[cell][number],
                port=ports[(cell.worker, members[cell][number])],
            )
            for position, cell in enumerate(round_order(cells, rng), start=1)
        )
        for number in range(rounds)
    )
    return upstreams, planned
