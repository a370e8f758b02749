"""Rounds numbers for people, by the same rule in every format. PURE.

Rates and times keep three significant digits, or all whole ones (1916, 106, 52.3, 2.31, 0.823).
Factors keep two decimals, because their targets have one. Shares become per cents with one decimal.
What is not known is a dash. Formats for programs (``run.json``, CSV, OpenMetrics) do not round.
"""

from __future__ import annotations

from collections.abc import Callable

from loadtests.model.result import Estimate

UNKNOWN = "–"

Form = Callable[[float | None], str]


def figure(value: float | None) -> str:
    """Return a rate or a time with three significant digits, or all whole ones."""
    return UNKNOWN if value is None else _fixed(value, _decimals(value))


def figures(estimate: Estimate) -> str:
    """Return ``101 [99, 102]``: a rate or time with its interval, all with as many decimals."""
    decimals = _decimals(estimate.high or estimate.estimate or 0.0)
    return interval(estimate, lambda value: UNKNOWN if value is None else _fixed(value, decimals))


def factor(value: float | None) -> str:
    """Return a factor with two decimals."""
    return UNKNOWN if value is None else _fixed(value, 2)


def percent(value: float | None) -> str:
    """Return a share of one as per cents with one decimal."""
    return UNKNOWN if value is None else f"{_fixed(100 * value, 1)} %"


def percents(estimate: Estimate) -> str:
    """Return ``2.9 % [2.0, 3.9]``: a share with its interval."""
    if estimate.low is None or estimate.high is None:
        return percent(estimate.estimate)
    low, high = (_fixed(100 * value, 1) for value in (estimate.low, estimate.high))
    return f"{percent(estimate.estimate)} [{low}, {high}]"


def small(value: float | None) -> str:
    """Return a law's parameter with two significant digits."""
    return UNKNOWN if value is None else f"{value:.2g}"


def interval(estimate: Estimate, form: Form) -> str:
    """Return ``1.98 [1.94, 2.02]``, or the estimate alone where it has no interval."""
    if estimate.low is None or estimate.high is None:
        return form(estimate.estimate)
    return f"{form(estimate.estimate)} [{form(estimate.low)}, {form(estimate.high)}]"


def _decimals(value: float) -> int:
    """Return the decimals that leave three significant digits once the value is rounded."""
    size = abs(float(f"{value:.3g}"))
    if size == 0 or size >= 100:
        return 0
    return 1 if size >= 10 else 2 if size >= 1 else 3


def _fixed(value: float, decimals: int) -> str:
    """Return a number with ``decimals`` decimals; zero has no sign."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
