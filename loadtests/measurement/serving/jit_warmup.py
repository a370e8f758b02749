"""Warms replicas whose interpreter compiles as it runs, until a request's CPU is level."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from loadtests.analysis import estimates
from loadtests.environments.protocol import Stack
from loadtests.measurement import user_calibration
from loadtests.model.plan import Plan, Timing, TrialSpec, WorkerModel
from loadtests.model.trial import Trial
from loadtests.servers import interpreter, own_command

TIMING = Timing(settle_s=0.2, window_s=3.0, drain_limit_s=15.0)

LEVEL_WINDOWS = 5
LEVEL_RATIO = 0.97
"""CPU per request is level where the mean of the last windows is at least this share of the mean of
as many before them. Under a budget of 0.1 CPU, three windows in a row were alike by chance after
10 s, and a request became 15 % cheaper over the next ten minutes."""

MOST_WINDOWS = 60
"""Three minutes; what still changes then is for the rule ``steady``."""

USERS_PER_SLOT = 2
"""So that no slot is idle between two requests."""

Measure = Callable[[TrialSpec, int], Trial]
"""Measures a cell with a number of users, and returns the trial."""

Say = Callable[[str], None]


def warm_all(plan: Plan, stack: Stack, measure: Measure, say: Say) -> tuple[str, ...]:
    """Load all replicas of each worker model that compiles, and return how long each took."""
    notes = []
    for worker in plan.workers:
        processes = stack.processes_of(f"{worker.name}-1")
        asked = own_command.planned_python(worker, plan.tested.implementation)
        if interpreter.compiles_as_it_runs(worker.python, processes, implementation=asked):
            say(f"Warming the replicas of {worker.name}: its interpreter compiles as it runs")
            notes += [_warmed(plan, worker, workload.name, measure) for workload in plan.workloads]
    return tuple(notes)


def _warmed(plan: Plan, worker: WorkerModel, workload: str, measure: Measure) -> str:
    """Warm all replicas for one workload, and return a sentence on it."""
    upstream = max(
        (upstream for upstream in plan.upstreams if upstream.worker == worker.name),
        key=lambda upstream: len(upstream.members),
    )
    spec = user_calibration.spec_of(upstream, workload)
    users = USERS_PER_SLOT * user_calibration.first_users(worker.slots) * len(upstream.members)
    costs: list[float] = []
    for _ in range(MOST_WINDOWS):
        cost_us = estimates.cpu_us_per_request(measure(spec, users))
        if cost_us is None:
            return f"{worker.name} on {workload}: nobody counts its CPU, so it was not warmed."
        costs.append(cost_us)
        if is_level(costs):
            seconds = len(costs) * (TIMING.settle_s + TIMING.window_s)
            return (
                f"{worker.name} on {workload} was warmed for {seconds:.0f} s, until CPU per request"
                f" was level: {costs[0]:,.0f} → {costs[-1]:,.0f} µs."
            )
    return (
        f"{worker.name} on {workload}: CPU per request was not level after {len(costs)} windows"
        f" ({costs[0]:,.0f} → {costs[-1]:,.0f} µs). The rule steady tells whether it is now."
    )


def is_level(costs: list[float]) -> bool:
    """Return whether the last windows cost no less CPU per request than those before them."""
    last, before = costs[-LEVEL_WINDOWS:], costs[-2 * LEVEL_WINDOWS : -LEVEL_WINDOWS]
    return len(before) == LEVEL_WINDOWS and fmean(last) >= LEVEL_RATIO * fmean(before)
