"""Confidence intervals of ratios, from one value a round.

PURE: numbers in, numbers out. Throughputs are compared as ratios, so intervals are computed on
logarithms and returned as factors. The round is the unit: the requests of one round share its
moment, its replicas and its neighbours, so they are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import chdtrc, stdtr, stdtrit

from loadtests.model.result import Estimate

CONFIDENCE = 0.95
"""The share of intervals that contain the true value."""

UNKNOWN = Estimate(estimate=None, low=None, high=None)
"""The estimate of a value that cannot be computed."""


def student_quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t (Student 1908) for 1 degree or more."""
    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


def student_chance(statistic: float, degrees: int) -> float:
    """Return the two-sided p-value of a t statistic (Student 1908)."""
    return 2 * float(stdtr(degrees, -abs(statistic)))


def chi_square_chance(statistic: float, degrees: int) -> float:
    """Return the p-value of a χ² statistic (Pearson 1900)."""
    return float(chdtrc(degrees, statistic))


def geometric_mean(logs: Sequence[float], *, shared: float = 0.0) -> Estimate:
    """Return exp(mean) of natural logarithms with exp(mean ± t·s/√R), t with R − 1 degrees.

    The interval has the confidence ``CONFIDENCE``. One value gives an estimate without an interval,
    and no value gives ``UNKNOWN``. ``shared`` is the half-width of an error that all values share,
    so that it is not in their spread; it is added in quadrature.
    """
    if not logs:
        return UNKNOWN
    mean = math.fsum(logs) / len(logs)
    if len(logs) == 1:
        return Estimate(estimate=math.exp(mean), low=None, high=None)
    margin = math.hypot(student_quantile(len(logs) - 1) * standard_error(logs), shared)
    return Estimate(
        estimate=math.exp(mean), low=math.exp(mean - margin), high=math.exp(mean + margin)
    )


def standard_error(values: Sequence[float]) -> float:
    """Return s/√R of R ≥ 2 values."""
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


def overlap(one: Estimate, other: Estimate) -> bool:
    """Return whether two intervals have a value in common; what has no interval overlaps nothing.

    Of two estimates of one value, about 99 % of the intervals of 95 % overlap.
    """
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def half_width_ratio(estimate: Estimate) -> float | None:
    """Return a ratio's half-width as a share of its middle: √(high/low) − 1."""
    if estimate.low is None or estimate.high is None:
        return None
    return math.sqrt(estimate.high / estimate.low) - 1
