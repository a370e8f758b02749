"""For how long a request holds one of a replica's slots. PURE."""

from __future__ import annotations

from loadtests.model.plan import Plan
from loadtests.model.trial import Trial


def alone_s(trial: Trial) -> float:
    """Return what a request of one user alone takes, in seconds; 0 where nobody knows."""
    return (trial.service_ms or 0.0) / 1000


def service_s(plan: Plan, trial: Trial) -> float:
    """Return for how long a request of a trial holds its slot, in seconds; 0 where nobody knows.

    It is at least what a request of one user alone takes. With more requests in flight than slots,
    the others wait, and by Little's law (Little 1961) a request holds its slot for that part of the
    response time. Slots that share a CPU hold it for longer than one alone, too.
    """
    single_s = alone_s(trial)
    slots = next(model.slots for model in plan.workers if model.name == trial.spec.cell.worker)
    if not slots or trial.latency is None or not trial.latency.mean_ms:
        return single_s
    in_flight = trial.users if trial.in_flight is None else trial.in_flight
    part = min(1.0, slots * trial.spec.cell.replicas / in_flight) if in_flight else 1.0
    return max(single_s, part * trial.latency.mean_ms / 1000)
