"""Do more users raise the throughput of one replica, or is that chance? PURE."""

from __future__ import annotations

import math

from loadtests.model.plan import Cell, Plan
from loadtests.model.trial import CalibrationStep

MOST_GAIN_RATIO = 0.5
"""A gain of this much must be excluded before a replica counts as full. One that idles gains as
much as it gets users: 1.0 for twice as many."""

MOST_FALL_RATIO = 0.25
"""A fall counts as one of this much at the most. A larger one says that the step before had more
answers than usual, by chance, and so proves nothing."""

CONFIDENCE_Z = 2.33
"""One-sided, 99 %."""

ANSWERS = 100
"""So many answers in each of two steps are enough for it, where they show no gain and vary by
chance alone (Poisson)."""


EVEN_DISPERSION = 2.0
"""Up to this, answers count as varying by chance alone: response times then spread no more than
those of an exponential distribution, whose count is Poisson's. ``dispersion`` has 1 on top, so that
a few very long requests are not missed. Here that would only double what slow replicas need."""


def ratio(before: CalibrationStep, last: CalibrationStep) -> float | None:
    """Return what the users of ``last`` gain over those of the step before; None without any."""
    return last.throughput_rps / before.throughput_rps - 1 if before.throughput_rps else None


def is_sure(before: CalibrationStep, last: CalibrationStep) -> bool:
    """Return whether the users of ``last`` certainly gain less than half, by the answers counted.

    Answers that come at random vary by the square root of their number (Poisson). Where some take
    much longer than others they vary by more: a user with a long one gives none meanwhile. With few
    answers a replica that idles seems full by chance. Then the users double with the replicas, and
    so does the throughput, whatever would hold it back at full load.
    """
    gain = ratio(before, last)
    if before.completed is None or last.completed is None or gain is None:
        return True  # an older journal; or no answer at all, which other rules tell
    if not before.completed or not last.completed:
        return False
    variance = dispersion(before, last) * (1 / before.completed + 1 / last.completed)
    most = (1 + max(gain, -MOST_FALL_RATIO)) * math.exp(CONFIDENCE_Z * math.sqrt(variance))
    return most < 1 + MOST_GAIN_RATIO


def dispersion(before: CalibrationStep, last: CalibrationStep) -> float:
    """Return how many times as variable as by Poisson the answers of two steps are."""
    most = max(before.dispersion, last.dispersion)
    return most if most > EVEN_DISPERSION else 1.0


def enough_answers(before: CalibrationStep, last: CalibrationStep) -> float:
    """Return how many answers in each of two steps are enough, where they show no gain."""
    return ANSWERS * dispersion(before, last)


def is_known(plan: Plan, cell: Cell, before: CalibrationStep, last: CalibrationStep) -> bool:
    """Return whether it is sure that nothing is gained, or the users fill all slots anyhow."""
    return filled_slots(plan, cell) is not None or is_sure(before, last)


def filled_slots(plan: Plan, cell: Cell) -> int | None:
    """Return the slots of a replica that as many users keep busy; None where nobody knows.

    Users do so where they only wait for answers. Those of a locustfile may pause.
    """
    return None if has_own_users(plan, cell) else slots_of(plan, cell)


def has_own_users(plan: Plan, cell: Cell) -> bool:
    """Return whether a locustfile's users load a cell, who do more than wait for answers."""
    return any(entry.name == cell.workload and entry.locustfile for entry in plan.workloads)


def slots_of(plan: Plan, cell: Cell) -> int | None:
    """Return the slots of a replica; None where nobody knows, or there are none."""
    return next(worker.slots for worker in plan.workers if worker.name == cell.worker)
