"""Do answers grow from round to round, because of what the load leaves behind? PURE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.intervals import student_chance
from loadtests.model.trial import Trial

FEWEST_TRIALS = 6
"""Trials below which a growth cannot be told from chance."""

LEVEL = 0.001
"""p-value below which a growth counts as real, for all names together (Bonferroni)."""

TOLD_RATIO = 1.2
BROKEN_RATIO = 2.0
"""Growth of an answer from the first trial to the last from which it is told, and from which no one
figure describes the system any more: the last answers are twice the first."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Answers of one name that grew over the run, in bytes."""

    workload: str
    name: str
    first_bytes: float
    last_bytes: float

    @property
    def ratio(self) -> float:
        """The last over the first."""
        return self.last_bytes / self.first_bytes

    @property
    def sentence(self) -> str:
        """What grew, by how much, and the way out."""
        return (
            f"Answers of {self.name} ({self.workload}) grew from {self.first_bytes:,.0f} to"
            f" {self.last_bytes:,.0f} bytes over the run: the load leaves something behind. Take it"
            " back before each round, by --reset-command."
        )


def greatest(trials: Sequence[Trial]) -> Growth | None:
    """Return the name whose answers certainly grew most; None where none did.

    For each name of a workload, a straight line (least squares) goes through ln of the mean length
    of its answers over the order of the trials.
    """
    lengths: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for trial in trials:
        for request in trial.requests:
            if request.mean_bytes:
                key = (trial.spec.cell.workload, request.name)
                point = (trial.started_at_s, math.log(request.mean_bytes))
                lengths.setdefault(key, []).append(point)
    found = [
        growth
        for key, points in lengths.items()
        if (growth := _growth(*key, points, LEVEL / len(lengths))) is not None
    ]
    return max(found, key=lambda growth: growth.ratio, default=None)


def _growth(
    workload: str, name: str, points: Sequence[tuple[float, float]], level: float
) -> Growth | None:
    if len(points) < FEWEST_TRIALS:
        return None
    times, logs = np.array(sorted(points)).T
    times = times - times.mean()
    squares = float(times @ times)
    if not squares:
        return None
    slope = float(times @ logs) / squares
    left = logs - logs.mean() - slope * times
    error = math.sqrt(float(left @ left) / (len(points) - 2) / squares)
    chance = student_chance(slope / error, len(points) - 2) if error else float(slope <= 0)
    first, last = (math.exp(logs.mean() + slope * float(at)) for at in (times[0], times[-1]))
    growth = Growth(workload=workload, name=name, first_bytes=first, last_bytes=last)
    return growth if chance < level and growth.ratio >= TOLD_RATIO else None
