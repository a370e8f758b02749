"""What starts of one server differ by, in the interval of a ratio of two servers. PURE.

Each start has its own speed for as long as it lives. All replicas of a run are the same starts in
each round, so what the rounds differ by does not contain it. Two servers that are equal would then
differ by what their starts differ by. All figures here are natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from loadtests.analysis.intervals import CONFIDENCE, geometric_mean, standard_error
from loadtests.model.result import Estimate

ASSUMED_SD = 0.04
"""Standard deviation between starts where a run has no two starts that were measured alone. Starts
were measured to differ by 2 to 4 % (docs/explanation/gate.md); the larger one claims less."""

FEWEST_DEGREES = 2.5
"""With fewer, intervals are wider than those that also contain what rounds share."""

NO_WEIGHT = 1e-9
"""Below it, a sum of squares contains nothing but errors of rounding."""

MOST_DEGREES = 1e6
"""Student's t is the normal distribution by then."""

NORMAL_QUANTILE = float(ndtri(0.5 + CONFIDENCE / 2))

Logs = Mapping[str, Mapping[tuple[int, ...], Mapping[int, float]]]
"""By server, start and round, the logarithm of what was measured of that start alone."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an estimate's variance, and the degrees of freedom that it was estimated with."""

    variance: float
    degrees: float


ASSUMED = Part(variance=ASSUMED_SD**2, degrees=math.inf)


def between_starts(by_start: Logs) -> dict[str, Part]:
    """Return the variance between the starts of each server.

    What the servers of a round share, such as a machine that grows slower, is no difference between
    starts: it is taken out, unless too few degrees of freedom are left without it. Servers whose
    starts differ less than the mean of all get that mean, which is known better: a small variance
    of four starts may be luck.
    """
    squares = _without_rounds(by_start)
    if squares.degrees < FEWEST_DEGREES:
        squares = _with_rounds(by_start)
    if not squares.degrees:
        return dict.fromkeys(by_start, ASSUMED)
    pooled = math.fsum(squares.sums.values()) / math.fsum(squares.weights.values())
    return {
        name: Part(
            variance=max(pooled, squares.sums[name] / weight)
            if (weight := squares.weights.get(name, 0.0)) > NO_WEIGHT
            else pooled,
            degrees=squares.degrees,
        )
        for name in by_start
    }


@dataclass(frozen=True, kw_only=True)
class _Squares:
    """Sums of squares by server, and how often each is expected to contain the variance."""

    sums: Mapping[str, float]
    weights: Mapping[str, float]
    degrees: float


def _with_rounds(by_start: Logs) -> _Squares:
    """Return the squares of each server's starts around their mean, as they were measured."""
    means = {
        name: [fmean(logs.values()) for logs in starts.values()]
        for name, starts in by_start.items()
        if len(starts) > 1
    }
    weights = {name: len(of) - 1.0 for name, of in means.items()}
    sums = {name: variance(of) * weights[name] for name, of in means.items()}
    return _Squares(sums=sums, weights=weights, degrees=math.fsum(weights.values()))


def _without_rounds(by_start: Logs) -> _Squares:
    """Return the squares of the starts' means after servers and rounds are fitted.

    The fit takes a part of what starts differ by, too. ``effect`` says how much of each start is
    left in each mean, so that the expected squares are known (Hartley, Rao and LaMotte 1978); the
    degrees of freedom are those of Satterthwaite (1946).
    """
    values = [
        (name, start, number, log)
        for name, starts in by_start.items()
        for start, logs in starts.items()
        for number, log in logs.items()
    ]
    if not values:
        return _Squares(sums={}, weights={}, degrees=0.0)
    fitted = np.hstack([_indicators([v[0] for v in values]), _indicators([v[2] for v in values])])
    residual = np.eye(len(values)) - fitted @ np.linalg.pinv(fitted)
    of_start = _indicators([v[:2] for v in values])
    means = (of_start / of_start.sum(axis=0)).T @ residual
    effect = means @ of_start
    weight = (effect**2).sum(axis=1)
    total = float(weight.sum())
    if total <= NO_WEIGHT:
        return _Squares(sums={}, weights={}, degrees=0.0)
    square = (means @ np.array([v[3] for v in values])) ** 2
    sums, weights = dict.fromkeys(by_start, 0.0), dict.fromkeys(by_start, 0.0)
    for index, (name, _) in enumerate(dict.fromkeys(v[:2] for v in values)):
        sums[name] += float(square[index])
        weights[name] += float(weight[index])
    degrees = total**2 / float(((effect @ effect.T) ** 2).sum())
    return _Squares(sums=sums, weights=weights, degrees=degrees)


def _indicators(labels: Sequence[Hashable]) -> npt.NDArray[np.float64]:
    """Return a row for each label, with a 1 in the column of that label and 0 elsewhere."""
    columns = {label: index for index, label in enumerate(dict.fromkeys(labels))}
    return np.eye(len(columns))[[columns[label] for label in labels]]


def ratio(
    logs: Sequence[float],
    starts: Sequence[tuple[Part, int]],
    *,
    shared: float = 0.0,
    pairs: int = 1,
) -> Estimate:
    """Return the ratio of two servers from one logarithm a round, with its interval.

    ``starts`` are the variance between starts of each server, and how many starts the mean is over.
    ``shared`` is the half-width of an error that all rounds share, as in ``geometric_mean``.
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
    of_rounds = Part(variance=standard_error(logs) ** 2, degrees=len(logs) - 1)
    of_all = Part(variance=(shared / NORMAL_QUANTILE) ** 2, degrees=math.inf)
    parts = (of_rounds, of_starts, of_all)
    total = math.fsum(part.variance for part in parts)
    spent = math.fsum(part.variance**2 / part.degrees for part in parts)
    degrees = min(MOST_DEGREES, total**2 / spent) if spent else MOST_DEGREES
    quantile = float(stdtrit(degrees, 1 - (1 - CONFIDENCE) / 2 / pairs))
    margin = math.exp(quantile * math.sqrt(total))
    return Estimate(
        estimate=plain.estimate, low=plain.estimate / margin, high=plain.estimate * margin
    )
