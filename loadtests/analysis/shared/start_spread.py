"""What starts of one server differ by, in the interval of a ratio of two servers. PURE.

Each start has its own speed for as long as it lives. All replicas of a run are the same starts in
each round, so what the rounds differ by does not contain it. Two servers that are equal would then
differ by what their starts differ by. All figures here are natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from scipy.special import stdtrit

from loadtests.analysis.intervals import CONFIDENCE, geometric_mean, standard_error
from loadtests.model.result import Estimate

ASSUMED_SD = 0.04
"""Standard deviation between starts where a run has no two starts that were measured alone. Starts
were measured to differ by 2 to 4 % (docs/explanation/gate.md); the larger one claims less."""

MOST_DEGREES = 1e6
"""Student's t is the normal distribution by then."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an estimate's variance, and the degrees of freedom that it was estimated with."""

    variance: float
    degrees: float


ASSUMED = Part(variance=ASSUMED_SD**2, degrees=math.inf)


def between_starts(
    by_start: Mapping[str, Mapping[tuple[int, ...], Sequence[float]]],
) -> dict[str, Part]:
    """Return the variance between the starts of each server.

    ``by_start`` has, by the server and the start, the logarithms of what was measured of that start
    alone. Servers whose starts differ less than the mean of all get that mean, which is known
    better: a small variance of four starts may be luck.
    """
    own = {
        name: variance([fmean(logs) for logs in starts.values()])
        for name, starts in by_start.items()
        if len(starts) > 1
    }
    degrees = {name: len(by_start[name]) - 1 for name in own}
    total = sum(degrees.values())
    if not total:
        return dict.fromkeys(by_start, ASSUMED)
    pooled = math.fsum(own[name] * degrees[name] for name in own) / total
    return {
        name: Part(variance=max(pooled, own.get(name, pooled)), degrees=total) for name in by_start
    }


def ratio(logs: Sequence[float], starts: Sequence[tuple[Part, int]], *, pairs: int = 1) -> Estimate:
    """Return the ratio of two servers from one logarithm a round, with its interval.

    ``starts`` are the variance between starts of each server, and how many starts the mean is over.
    With ``pairs``, the intervals of so many ratios hold together (Bonferroni; Dunn 1961). The parts
    are added up as by Satterthwaite (1946) and Welch (1947).
    """
    plain = geometric_mean(logs)
    if plain.estimate is None or plain.low is None:
        return plain
    # Both servers' variances are mostly the same pooled estimate, so they have its degrees once.
    of_starts = Part(
        variance=math.fsum(of.variance / count for of, count in starts),
        degrees=min((of.degrees for of, _ in starts), default=math.inf),
    )
    parts = (Part(variance=standard_error(logs) ** 2, degrees=len(logs) - 1), of_starts)
    total = math.fsum(part.variance for part in parts)
    spent = math.fsum(part.variance**2 / part.degrees for part in parts)
    degrees = min(MOST_DEGREES, total**2 / spent) if spent else MOST_DEGREES
    quantile = float(stdtrit(degrees, 1 - (1 - CONFIDENCE) / 2 / pairs))
    margin = math.exp(quantile * math.sqrt(total))
    return Estimate(
        estimate=plain.estimate, low=plain.estimate / margin, high=plain.estimate * margin
    )
