"""Finds how many users keep one replica full, by doubling them until throughput stops rising.

The least number that saturates a replica is too small for several of them. Behind a round robin,
users wander, so a replica is without a request for moments, and each wake-up then serves one
request instead of several. CPU per request grows with the replicas, though the system scales. So a
replica also gets a short queue: see ``with_queue``.
"""

from __future__ import annotations

from collections.abc import Callable

from loadtests.analysis.rules.load import GAIN_LIMIT_RATIO
from loadtests.model.plan import Cell, Plan, TrialSpec, Upstream
from loadtests.model.trial import Calibration, CalibrationStep, Trial

MOST_USERS = 256
"""Upper limit; beyond it, more users only lengthen the queue."""

QUEUE_RATIO = 4
"""Users for each user that saturates a replica (measured: docs/measurements.md)."""

QUEUE_WINDOW_RATIO = 0.2
"""The longest answer by that queue, as a share of a window. Answers that take as long as the window
make its count coarse, and the replicas' shares with it."""

MOST_QUEUED = 64
MOST_QUEUED_WITHOUT_SLOTS = 16
"""The most users that a queue brings to a replica. Some servers accept about 100 connections.
Without slots (gevent) users do not queue: each is one more request inside the application, with
one more connection to the store."""

SETTLE_S = 0.4
WINDOW_S = 1.0
"""Ten CPU periods: enough to see a gain of a few per cent under a CPU budget."""

Measure = Callable[[TrialSpec, int], Trial]
"""Measures a cell with a number of users, and returns the trial."""


def first_users(slots: int | None) -> int:
    """Return the users of the first step: one per slot, but at least two."""
    return max(2, slots or 1)


def double_users(
    users: int,
    measure: Callable[[int], CalibrationStep],
    *,
    before: CalibrationStep | None = None,
) -> tuple[CalibrationStep, ...]:
    """Double the users until throughput gains less than 5 %, and return all steps.

    The first step is compared with ``before``, if it is given.
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


def calibrate(
    plan: Plan, worker: str, workload: str, measure: Measure, *, step: int = 1
) -> Calibration:
    """Return the users per replica of a worker model and workload, found on its first replica.

    One user alone gives the service time. Then the users double until throughput gains less than
    5 %. The last, larger number leaves no slot idle between two requests of a user, and a short
    queue is added to it. The result is a multiple of ``step``, so that the mix of users is the same
    at any number of replicas.
    """
    spec = _spec(plan, worker, workload)
    slots = next(model.slots for model in plan.workers if model.name == worker)
    single = _step(spec, 1, measure)
    first = -(-first_users(slots) // step) * step
    steps = double_users(first, lambda users: _step(spec, users, measure), before=single)
    return Calibration(
        worker=worker,
        workload=workload,
        users_per_replica=with_queue(steps[-1], slots, plan.timing.window_s, step=step),
        service_ms=single.mean_ms,
        steps=(single, *steps),
    )


def with_queue(last: CalibrationStep, slots: int | None, window_s: float, *, step: int = 1) -> int:
    """Return the users of a replica that the users of ``last`` saturate, with a short queue.

    Four times as many, as long as the answer takes at most a fifth of a window. By Little's law
    an answer takes users / throughput. ``slots`` is None where nothing limits them.
    """
    most = MOST_QUEUED if slots else MOST_QUEUED_WITHOUT_SLOTS
    fitting = int(last.throughput_rps * window_s * QUEUE_WINDOW_RATIO)
    queued = min(QUEUE_RATIO * last.users, fitting, most) // step * step
    return max(last.users, queued)


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
    return spec_of(alone(plan, worker), workload)


def alone(plan: Plan, worker: str) -> Upstream:
    """Return the port behind which the fewest replicas of a worker model are."""
    return min(
        (upstream for upstream in plan.upstreams if upstream.worker == worker),
        key=lambda upstream: (len(upstream.members), upstream.members),
    )


def spec_of(upstream: Upstream, workload: str) -> TrialSpec:
    """Return the spec of a trial that is not part of any round."""
    cell = Cell(worker=upstream.worker, workload=workload, replicas=len(upstream.members))
    return TrialSpec(
        id=f"calibrate-{cell.worker}-{cell.workload}",
        round=0,
        position=0,
        cell=cell,
        members=upstream.members,
        port=upstream.port,
    )
