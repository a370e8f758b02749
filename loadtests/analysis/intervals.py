"""Intervals of ratios, from one figure a round.

PURE: numbers in, numbers out. Throughputs are compared as ratios, so everything is worked out on
logarithms and given back as a factor. The round is the unit: the requests of one round share its
moment, its replicas and its neighbours, and are no independent witnesses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import chdtrc, stdtr, stdtrit

from loadtests.model.result import Estimate

CONFIDENCE = 0.95
"""The share of intervals that should hold the truth."""

UNKNOWN = Estimate(estimate=None, low=None, high=None)
"""The estimate of something that cannot be worked out."""


def student_quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t (Student 1908) for 1 degree or more."""
    return float(stdtrit(degrees, 0.5 + CONFIDENCE / 2))


def student_chance(statistic: float, degrees: int) -> float:
    """Return the chance of as large a t or larger, on either side (Student 1908)."""
    return 2 * float(stdtr(degrees, -abs(statistic)))


def chi_square_chance(statistic: float, degrees: int) -> float:
    """Return the chance of as large a χ² or larger (Pearson 1900)."""
    return float(chdtrc(degrees, statistic))


def geometric_mean(logs: Sequence[float]) -> Estimate:
    """Return exp(mean) of natural logarithms with exp(mean ± t·s/√R), t with R − 1 degrees.

    One value has no spread, so its estimate has no interval; none at all are unknown.
    """
    if not logs:
        return UNKNOWN
    mean = math.fsum(logs) / len(logs)
    if len(logs) == 1:
        return Estimate(estimate=math.exp(mean), low=None, high=None)
    margin = student_quantile(len(logs) - 1) * standard_error(logs)
    return Estimate(
        estimate=math.exp(mean), low=math.exp(mean - margin), high=math.exp(mean + margin)
    )


def standard_error(values: Sequence[float]) -> float:
    """Return s/√R of R ≥ 2 values."""
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


def half_width_ratio(estimate: Estimate) -> float | None:
    """Return how far a ratio's interval reaches from its middle, as a share: √(high/low) − 1."""
    if estimate.low is None or estimate.high is None:
        return None
    return math.sqrt(estimate.high / estimate.low) - 1
