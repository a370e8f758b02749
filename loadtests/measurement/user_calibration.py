"""How many users one replica needs to be busy: double them until throughput gains nothing more."""

from __future__ import annotations

from collections.abc import Callable

from loadtests.analysis.rules.load import GAIN_LIMIT_RATIO
from loadtests.model.plan import Cell, Plan, TrialSpec, Upstream
from loadtests.model.trial import Calibration, CalibrationStep, Trial

MOST_USERS = 256
"""A replica that gains from more is no longer limited by what it has, but by its queue."""

SETTLE_S = 0.4
WINDOW_S = 1.0
"""Ten CPU periods: enough to see a gain of a few per cent in what the budget allows."""

Measure = Callable[[TrialSpec, int], Trial]
"""Puts a number of users on a cell and gives the trial."""


def first_users(slots: int | None) -> int:
    """Give with how many users the search begins: one for each slot, and two at least."""
    return max(2, slots or 1)


def double_users(
    users: int,
    measure: Callable[[int], CalibrationStep],
    *,
    before: CalibrationStep | None = None,
) -> tuple[CalibrationStep, ...]:
    """Double the users until throughput gains less than 5 %; give each step, the last one too.

    The first step is held against ``before``, where there is one.
    """
    steps: list[CalibrationStep] = []
    while users <= MOST_USERS:
        step = measure(users)
        steps.append(step)
        if before and step.throughput_rps < before.throughput_rps * (1 + GAIN_LIMIT_RATIO):
            break
        before = step
        users *= 2
    return tuple(steps)


def calibrate(plan: Plan, worker: str, workload: str, measure: Measure) -> Calibration:
    """Find the users per replica of one worker model and workload, on its first replica.

    One user alone shows the time in service. Then the users double until throughput gains less
    than 5 %; the last, larger number is taken, so that no slot is empty because a user just left.
    """
    spec = _spec(plan, worker, workload)
    slots = next(model.slots for model in plan.workers if model.name == worker)
    alone = _step(spec, 1, measure)
    steps = double_users(
        first_users(slots), lambda users: _step(spec, users, measure), before=alone
    )
    return Calibration(
        worker=worker,
        workload=workload,
        users_per_replica=steps[-1].users,
        service_ms=alone.mean_ms,
        steps=(alone, *steps),
    )


def _step(spec: TrialSpec, users: int, measure: Measure) -> CalibrationStep:
    trial = measure(spec, users)
    return CalibrationStep(
        worker=spec.cell.worker,
        workload=spec.cell.workload,
        users=users,
        throughput_rps=trial.throughput_rps,
        mean_ms=trial.latency.mean_ms if trial.latency else None,
        lost_workers=trial.generator.lost_workers,
    )


def _spec(plan: Plan, worker: str, workload: str) -> TrialSpec:
    alone = min(
        (upstream for upstream in plan.upstreams if upstream.worker == worker),
        key=lambda upstream: (len(upstream.members), upstream.members),
    )
    return spec_of(alone, workload)


def spec_of(upstream: Upstream, workload: str) -> TrialSpec:
    """Describe a trial that is not part of any round."""
    cell = Cell(worker=upstream.worker, workload=workload, replicas=len(upstream.members))
    return TrialSpec(
        id=f"calibrate-{cell.worker}-{cell.workload}",
        round=0,
        position=0,
        cell=cell,
        members=upstream.members,
        port=upstream.port,
    )
