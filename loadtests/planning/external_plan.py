"""Plans a run on a deployment that is scaled in turn, since not all can be up at once. PURE."""

from __future__ import annotations

from itertools import product
from random import Random

from loadtests.config.options import Options
from loadtests.model.machine import Machine
from loadtests.model.plan import MOST_USERS, Budget, Cell, Plan, Timing, TrialSpec, Upstream
from loadtests.model.tested.external import Hooks, option_in
from loadtests.model.tested.project import Project
from loadtests.planning.budget import generator_cores
from loadtests.planning.cells import cells_of, trial_spec

TIMING = Timing(settle_s=2.0, window_s=5.0, drain_limit_s=15.0)
TIMING_QUICK = Timing(settle_s=1.0, window_s=3.0, drain_limit_s=15.0)
"""Longer windows and fewer rounds than where all replicas are up, since scaling takes longer."""

SCALE_S = 20.0
"""Seconds that a new number of replicas is assumed to take; see ``expected_at``."""

OVERHEAD_S = 1.0
"""Seconds of a trial's drain, counters and messages."""

START_S = 30.0
"""Seconds to check the deployment and calibrate the users."""

ROUNDS_MIN = 3
ROUNDS_MAX = 6

DEFAULT_PORT = 80

NO_BUDGET = Budget(
    replica_cpus=None,
    replica_cores=(),
    service_cores=(),
    reason="the replicas have what the deployment gives them",
)


def make_plan(
    options: Options, project: Project, machine: Machine, *, backend: str, seed: int
) -> Plan:
    """Return the plan of a run on a deployment.

    In each round, the deployment is scaled once to each number of replicas, in random order; then
    all workloads are measured on it, in random order.
    """
    counts = tuple(sorted(options.replicas))
    workers = options.workers or project.default_workers
    workloads = tuple(
        project.workloads[name] for name in options.workloads or project.default_workloads
    )
    cells = cells_of(workloads, workers, counts)
    least, most = (options.rounds,) * 2 if options.rounds else _rounds(quick=options.quick)
    timing = TIMING_QUICK if options.quick else TIMING
    round_s = len(counts) * SCALE_S + len(cells) * (timing.settle_s + timing.window_s + OVERHEAD_S)
    port = DEFAULT_PORT if project.tested.port is None else project.tested.port
    rng = Random(seed)
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
        rounds_max=most,
        precision_ratio=options.precision_ratio,
        target=options.target,
        budget=NO_BUDGET,
        timing=timing,
        upstreams=tuple(
            Upstream(port=port, worker=worker, members=_members(count))
            for worker, count in product(workers, counts)
        ),
        rounds=tuple(_round(number, cells, port, rng) for number in range(1, most + 1)),
        expected_s=START_S + least * round_s,
        expected_max_s=START_S + most * round_s,
        notes=_notes(project, counts, options),
        start_limit_s=options.start_limit_s,
        max_rps=options.max_rps,
        generator_processes=options.generator_processes
        or (1 if options.generator_workers else len(generator_cores(machine)) or 1),
        generator_workers=options.generator_workers,
    )


def expected_at(plan: Plan, scale_s: float) -> tuple[float, float]:
    """Return the seconds that a plan takes at least and at most, where scaling takes ``scale_s``.

    The plan itself assumes ``SCALE_S``.
    """
    more_s = len(plan.replica_counts) * (scale_s - SCALE_S)
    least_s = plan.expected_s + plan.rounds_min * more_s
    return least_s, plan.expected_max_s + plan.rounds_max * more_s


def _rounds(*, quick: bool) -> tuple[int, int]:
    return (ROUNDS_MIN, ROUNDS_MIN) if quick else (ROUNDS_MIN, ROUNDS_MAX)


def _members(count: int) -> tuple[int, ...]:
    return tuple(range(1, count + 1))


def _round(number: int, cells: tuple[Cell, ...], port: int, rng: Random) -> tuple[TrialSpec, ...]:
    by_count: dict[int, list[Cell]] = {}
    for cell in cells:
        by_count.setdefault(cell.replicas, []).append(cell)
    groups = rng.sample(list(by_count.values()), k=len(by_count))
    order = [cell for group in groups for cell in rng.sample(group, k=len(group))]
    return tuple(
        trial_spec(number, position, cell, members=_members(cell.replicas), port=port)
        for position, cell in enumerate(order, start=1)
    )


def _notes(project: Project, counts: tuple[int, ...], options: Options) -> tuple[str, ...]:
    hooks, max_rps = project.tested.hooks, options.max_rps
    at = f" ({project.tested.address})" if project.tested.address else ""
    held = f", and at most {max_rps:g} requests a second" if max_rps is not None else ""
    users = f"up to {MOST_USERS} users a replica, {MOST_USERS * counts[-1]} at {counts[-1]}"
    notes = [
        f"This loads {project.tested.url}{at} with {users}{held}. How many are enough is found"
        " first.",
        f"The deployment at {project.tested.url} is scaled to {', '.join(map(str, counts))}"
        f" replicas in turn, and back at the end. {SCALE_S:g} s are assumed for each time; the"
        " first one is measured, and the duration told again.",
    ]
    notes += _cluster(hooks)
    if project.tested.shares_machine:
        notes.append(
            "The deployment shares this machine with the load generator. They compete for its"
            " cores, and whether other programs disturb them cannot be checked."
        )
    if options.generator_workers:
        notes.append(
            f"The load comes from {', '.join(options.generator_workers)}, in equal parts; their"
            " clocks are compared before and after each trial."
        )
    has_counters = hooks is not None and bool(hooks.counters)
    if hooks is None or hooks.header is None:
        told = "are judged by their CPU" if has_counters else "cannot be checked"
        notes.append(
            f"Answers do not name their replica, so equal shares {told}. Let each replica"
            ' send a header with its name, and name the header: header = "X-Served-By".'
        )
    if not has_counters:
        notes.append("There is no hook 'counters', so the replicas' CPU is not known.")
    return tuple(notes)


def _cluster(hooks: Hooks | None) -> list[str]:
    """Return which cluster of Kubernetes the hooks scale, in a sentence."""
    if hooks is None or not hooks.is_of_kubernetes:
        return []
    context = option_in(hooks.scale, "--context")
    namespace = option_in(hooks.scale, "--namespace") or option_in(hooks.scale, "-n")
    if context is None:
        return [
            "The hook 'scale' names no context, so it scales the cluster that kubectl has when it"
            " runs. Name it: --context NAME."
        ]
    where = f" in the namespace {namespace}" if namespace else ""
    return [f"It is on the cluster of kubectl's context {context}{where}."]
