"""How many users one replica needs to be busy: double them until throughput gains nothing more."""

from __future__ import annotations

from collections.abc import Callable

from loadtests.model import Calibration, CalibrationStep, Cell, Plan, Trial, TrialSpec, Upstream
from loadtests.rules.load import GAIN_LIMIT_RATIO

MOST_USERS = 256
"""A replica that gains from more is no longer limited by what it has, but by its queue."""

SETTLE_S = 0.4
WINDOW_S = 1.0
"""Ten CPU periods: enough to see a gain of a few per cent in what the budget allows."""

SETTLE_ANSWERS = 2
"""Mean times to an answer for which load is dropped before the window opens. All users ask at once
when it starts, and until they have their first answers nobody has been let go: the first half of
windows read 15 % less than the second where one answer takes longer than the settling."""

MOST_SETTLE_S = 4.0
"""Longer is not waited: the rule ``steady`` tells a trend that is left."""

MOST_LUCK_S = 1.0
"""Added to the settling at most, so that no run takes much longer than was said."""

Measure = Callable[[TrialSpec, int], Trial]
"""Puts a number of users on a cell and gives the trial."""


def calibrate(plan: Plan, worker: str, workload: str, measure: Measure) -> Calibration:
    """Find the users per replica of one worker model and workload, on its first replica.

    One user alone shows the time in service. Then the users double until throughput gains less
    than 5 %; the last, larger number is taken, so that no slot is empty because a user just left.
    """
    spec = _spec(plan, worker, workload)
    slots = next(model.slots for model in plan.workers if model.name == worker) or 1
    steps = [_step(spec, 1, measure)]
    users = max(2, slots)
    while users <= MOST_USERS:
        steps.append(_step(spec, users, measure))
        before, last = steps[-2:]
        if last.throughput_rps < before.throughput_rps * (1 + GAIN_LIMIT_RATIO):
            break
        users *= 2
    return Calibration(
        worker=worker,
        workload=workload,
        users_per_replica=steps[-1].users,
        service_ms=steps[0].mean_ms,
        steps=tuple(steps),
    )


def settle_s(calibration: Calibration, planned_s: float, *, luck: float) -> float:
    """Give how long a trial has to settle: as planned, or longer where answers take long.

    ``luck`` (from 0 to 1, drawn for each trial) is the part of one answer's time that is added.
    Slots that all begin at once answer all at once, so a window that always opens at the same
    moment counts one answer of each too many or too few, in all rounds alike: six rounds of such
    a system gave [1.694, 1.708] where 1.692 is true.
    """
    mean_s = (calibration.steps[-1].mean_ms or 0.0) / 1000
    settled_s = max(planned_s, min(MOST_SETTLE_S, SETTLE_ANSWERS * mean_s))
    return settled_s + luck * min(MOST_LUCK_S, mean_s)


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
