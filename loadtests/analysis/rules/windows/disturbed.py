"""Was a window disturbed, so that it is measured again? PURE.

Only what others did decides, never the throughput: what is left out by that would bend the factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from loadtests.analysis.rules.system import CONTENTION_LIMIT_RATIO, heaviest_user
from loadtests.model.trial import Trial

SLOW_RATIO = 0.7
"""Part of its usual speed below which a core was held back, by a neighbour that no counter of this
machine shows. Smaller changes are corrected for. In such a window CPU may be full where worker
slots are in all others ("Windows on a core that is held back" in ``docs/measurements.md``)."""

FEWEST_KNOWN = 3
"""Windows from which on their median is what is usual."""


def disturbed(trial: Trial, before: Sequence[Trial]) -> str | None:
    """Return what disturbed this trial's window, in words; None where nothing did.

    ``before`` are the trials that were measured before it. A trial that lost a process of the
    generator is never called disturbed: it would be measured again, and the loss would stay
    unreported.
    """
    if trial.generator.lost_workers:
        return None
    return _taken_cores(trial) or _slow_cores(trial, before)


def _taken_cores(trial: Trial) -> str | None:
    if trial.host is None:
        return None
    who, ratio = heaviest_user(trial.host.foreign_ratio, trial.host.steal_ratio)
    return f"{who} took {ratio:.1%} of the cores" if ratio >= CONTENTION_LIMIT_RATIO else None


def _slow_cores(trial: Trial, before: Sequence[Trial]) -> str | None:
    usual = _usual_speed(trial, before)
    if not trial.core_speed or usual is None or trial.core_speed >= SLOW_RATIO * usual:
        return None
    return f"The cores ran at {trial.core_speed / usual:.0%} of their usual speed"


def _usual_speed(trial: Trial, before: Sequence[Trial]) -> float | None:
    """Return the median speed of hashing, or None where too few windows are known.

    Where there are enough, it is that of windows with as many replicas: replicas that work on two
    threads of one core slow each other down, and so the probe.
    """
    known = [(each.spec.cell.replicas, each.core_speed) for each in before if each.core_speed]
    alike = [speed for replicas, speed in known if replicas == trial.spec.cell.replicas]
    speeds = alike if len(alike) >= FEWEST_KNOWN else [speed for _, speed in known]
    return median(speeds) if len(speeds) >= FEWEST_KNOWN else None
