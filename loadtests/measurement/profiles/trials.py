"""The profile trials of a run: which cells, the load on them, and the looks meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from loadtests.analysis.profiles import greenlets
from loadtests.analysis.profiles.own_code import package_named
from loadtests.environments.protocol import AsksStores, KnowsVariables, Stack
from loadtests.measurement.profiles.asked_sessions import AskedLooking
from loadtests.measurement.profiles.beside import Beside
from loadtests.measurement.profiles.looking import Looking, Seen
from loadtests.measurement.profiles.store_sessions import (
    StoreLooking,
    addresses_seen,
    peers_meant,
    told_of_store,
    variables_of,
)
from loadtests.model.errors import EnvironmentFailure, UnusableLoad
from loadtests.model.plan import Cell, Plan, Timing, TrialSpec, Upstream, WorkerModel
from loadtests.model.profiles.planned import ProfilePlan
from loadtests.model.profiles.records import CellProfile
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.trial import Trial
from loadtests.planning import profile_trials
from loadtests.tools import py_spy
from loadtests.tools.postgres.access import Access, accesses_in

ELSEWHERE = (
    "The replicas run on another machine, so their threads cannot be seen from here. Start twofold"
    " on the machine that runs them."
)

NO_PROCESSES = "The replicas' processes cannot be listed here."

GREENLETS = (
    "Of greenlets, only the one that runs can be seen from outside; what the others wait for is not"
    " told. A helper inside the workers can: scripts/twofold_greenlets.py."
)

EVENT_LOOP = (
    "Requests of an event loop take turns in one thread. Only the one that runs can be seen from"
    " outside; what the others wait for is not told."
)

GREENLET_MODES = frozenset({"gevent", "eventlet", "gevent_wsgi", "gevent_pywsgi"})

PREFORKING = frozenset({"gunicorn", "uwsgi", "granian", "hypercorn"})
"""Servers whose first process only watches its children. uvicorn's does so if it has several
processes; else it serves, and children are the application's own."""

INITS = frozenset({"docker-init", "tini", "dumb-init", "catatonit"})
"""Programs that a container starts first, to collect its ended processes."""

TRACKER = "multiprocessing.resource_tracker"
"""A process of Python's own beside those that multiprocessing spawns, as uvicorn does."""

DRAIN_LIMIT_S = 15.0

Measure = Callable[[TrialSpec, Timing, Beside], Trial]
"""Puts a cell's load on, and returns its trial."""


def measure(
    plan: Plan,
    planned: ProfilePlan,
    stack: Stack,
    load: Measure,
    *,
    gains: Callable[[str, str], float],
    answer_s: Callable[[Cell], float] = lambda _: 0.0,
    say: Callable[[str], None],
) -> tuple[CellProfile, ...]:
    """Return the profile of each planned cell, one after another.

    ``gains`` gives a series' factor of throughput, to find those that gain least; ``answer_s`` how
    long a cell's requests take, in seconds. What cannot be seen is said in the profile itself;
    nothing of it makes a run fail.
    """
    program = py_spy.find_program()
    told = "" if program else py_spy.MISSING
    if not stack.host_cores:
        told = ELSEWHERE
    series = [(worker, load.name) for worker in plan.workers for load in plan.workloads]
    series.sort(key=lambda pair: gains(pair[0].name, pair[1]))
    profiles: list[CellProfile] = []
    for worker, workload in series[: planned.series_most]:
        for count in planned.replica_counts:
            spec = spec_of(plan, Cell(worker=worker.name, workload=workload, replicas=count))
            if told or program is None:
                profiles.append(_unseen(spec.cell, worker, told))
                continue
            say(f"Looking where requests wait: {spec.cell}")
            timing = profile_trials.timing_of(planned, answer_s(spec.cell), DRAIN_LIMIT_S)
            try:
                profile = _seen(plan, timing, stack, load, spec, worker, program)
            except (EnvironmentFailure, UnusableLoad, OSError, ValueError) as error:
                profile = _unseen(spec.cell, worker, f"The profile trial failed: {error}")
            if profile.unseen in py_spy.REFUSALS:
                told = profile.unseen
            profiles.append(profile)
    return tuple(profiles)


def _unseen(cell: Cell, worker: WorkerModel, why: str) -> CellProfile:
    return CellProfile(
        cell=cell,
        server=worker.server,
        throughput_rps=0.0,
        mean_ms=None,
        window_s=0.0,
        processes=0,
        unseen=why,
    )


def _seen(
    plan: Plan,
    timing: Timing,
    stack: Stack,
    load: Measure,
    spec: TrialSpec,
    worker: WorkerModel,
    program: str,
) -> CellProfile:
    """Return the profile of one cell; raise where its trial failed."""
    served = [
        (member, process)
        for member in (f"{worker.name}-{number}" for number in spec.members)
        for process in serving(stack.processes_of(member), worker.server)
    ]
    if not served:
        return _unseen(spec.cell, worker, NO_PROCESSES)
    pids = [process.pid for _, process in served]
    given = stack.variables_of(served[0][0]) if isinstance(stack, KnowsVariables) else {}
    variables = variables_of(pids, given)
    accesses = accesses_in(variables)
    commands = [process.command for _, process in served]
    application = package_named((*commands, plan.tested.application or ""))
    looking = Looking(
        [(member, process.pid) for member, process in served],
        partial(py_spy.dump, program, cores=plan.budget.service_cores),
        stores=(
            *(str(access) for access in accesses if not access.is_local),
            *addresses_seen(accesses, pids),
            *peers_meant(accesses),
        ),
        application=application,
    )
    store = _looking_at_store(stack, accesses, pids)
    # The last part stops first: the looks end with the window, while the store takes its time.
    beside = Beside((store, looking) if store else (looking,))
    try:
        trial = load(spec, timing, beside)
    finally:
        beside.stop()
    seen = looking.seen()
    profile = profile_of(trial, worker, seen, commands)
    return replace(
        profile,
        application=application,
        store=store.seen() if store else None,
        store_note=told_of_store(variables, store, seen),
    )


def _looking_at_store(
    stack: Stack, accesses: Sequence[Access], pids: Sequence[int]
) -> StoreLooking | None:
    """Return what looks at the store: at a PostgreSQL that is named, else at the stack's MySQL."""
    asked = stack.askable_stores() if isinstance(stack, AsksStores) else ()
    if isinstance(stack, AsksStores) and asked and not any(each.is_sure for each in accesses):
        return AskedLooking(asked[0], stack.sessions_of)
    return StoreLooking(accesses, pids) if accesses else None


def profile_of(
    trial: Trial, worker: WorkerModel, seen: Seen, commands: Sequence[str] = ()
) -> CellProfile:
    """Return the profile of a trial and what was seen during it.

    ``commands`` are the command lines of the processes.
    """
    unseen = ""
    if not seen.looks:
        reasons = sorted(seen.failures, key=lambda reason: -seen.failures[reason])
        unseen = reasons[0] if reasons else "No look gave a stack."
    return CellProfile(
        cell=trial.spec.cell,
        server=worker.server,
        throughput_rps=trial.throughput_rps,
        mean_ms=trial.latency.mean_ms if trial.latency else None,
        window_s=trial.window_s,
        processes=seen.processes,
        stacks=seen.stacks,
        looks=seen.looks,
        looking_cpus=seen.looking_s / seen.span_s if seen.span_s else None,
        failures=seen.failures,
        unseen=unseen,
        note=_unseen_waits(worker, seen, commands),
        has_slots=worker.slots is not None,
        ended_rps=(trial.completed + trial.failed) / trial.window_s,
    )


def _unseen_waits(worker: WorkerModel, seen: Seen, commands: Sequence[str]) -> str:
    """Return a note where what most requests wait for cannot be seen from outside; else ""."""
    if seen.helped:
        return ""
    if (worker.mode or worker.name) in GREENLET_MODES:
        return GREENLETS
    if greenlets.take_turns(seen.stacks, worker.server):
        return GREENLETS if greenlets.are_of_gevent(seen.stacks) else EVENT_LOOP
    return EVENT_LOOP if any(map(greenlets.TURNS_OPTION.search, commands)) else ""


def serving(processes: Sequence[ServerProcess], server: str) -> Sequence[ServerProcess]:
    """Return the processes that may serve requests: not the one that only watches its children."""
    if processes and PurePosixPath(processes[0].command.partition(" ")[0]).name in INITS:
        processes = processes[1:]
    processes = [process for process in processes if TRACKER not in process.command]
    if server in PREFORKING and len(processes) > 1:
        first = processes[0]
        children = [process for process in processes if process.parent == first.pid]
        return [process for process in processes if process is not first] if children else processes
    return processes


def spec_of(plan: Plan, cell: Cell) -> TrialSpec:
    """Return the spec of a profile trial: on the first of the cell's ports."""
    upstream: Upstream = min(
        (
            upstream
            for upstream in plan.upstreams
            if upstream.worker == cell.worker and len(upstream.members) == cell.replicas
        ),
        key=lambda upstream: upstream.members,
    )
    return TrialSpec(
        id=f"profile-{cell.worker}-{cell.workload}-{cell.replicas}",
        round=0,
        position=0,
        cell=cell,
        members=upstream.members,
        port=upstream.port,
    )
