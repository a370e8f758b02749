"""Rounds numbers for people, by the same rule in every format. PURE.

Rates and times keep three significant digits, or all whole ones (1916, 106, 52.3, 2.31, 0.823).
Factors keep two decimals, because their targets have one. Shares become per cents with one decimal.
What is not known is a dash. Formats for programs (``run.json``, CSV, OpenMetrics) do not round.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from loadtests.analysis.digits import UNKNOWN, decimals, figure, fixed
from loadtests.model.result import Estimate

__all__ = [
    "UNKNOWN",
    "factor",
    "figure",
    "figures",
    "interval",
    "percent",
    "percents",
    "small",
    "time_to_wait",
]

SHORT_MINUTES = 2
"""Up to here a time to wait is told in seconds."""

Form = Callable[[float | None], str]


def figures(estimate: Estimate) -> str:
    """Return ``101 [99, 102]``: a rate or time with its interval, all with as many decimals."""
    places = decimals(estimate.high or estimate.estimate or 0.0)
    return interval(estimate, lambda value: UNKNOWN if value is None else fixed(value, places))


def factor(value: float | None) -> str:
    """Return a factor with two decimals."""
    return UNKNOWN if value is None else fixed(value, 2)


def percent(value: float | None) -> str:
    """Return a share of one as per cents with one decimal."""
    return UNKNOWN if value is None else f"{fixed(100 * value, 1)} %"


def percents(estimate: Estimate) -> str:
    """Return ``2.9 % [2.0, 3.9]``: a share with its interval."""
    if estimate.low is None or estimate.high is None:
        return percent(estimate.estimate)
    low, high = (fixed(100 * value, 1) for value in (estimate.low, estimate.high))
    return f"{percent(estimate.estimate)} [{low}, {high}]"


def time_to_wait(minutes: float) -> str:
    """Return ``40 seconds`` (in tens) or ``9 minutes``, rounded up: nobody waits by the decimal."""
    if minutes <= SHORT_MINUTES:
        return f"{10 * math.ceil(6 * minutes)} seconds"
    return f"{math.ceil(minutes)} minutes"


def small(value: float | None) -> str:
    """Return a law's parameter with two significant digits."""
    return UNKNOWN if value is None else f"{value:.2g}"


def interval(estimate: Estimate, form: Form) -> str:
    """Return ``1.98 [1.94, 2.02]``, or the estimate alone where it has no interval."""
    if estimate.low is None or estimate.high is None:
        return form(estimate.estimate)
    return f"{form(estimate.estimate)} [{form(estimate.low)}, {form(estimate.high)}]"
