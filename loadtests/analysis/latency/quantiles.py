"""Shares and percentiles over several windows, with intervals that know of the windows. PURE.

Requests of one window share its moment, its replicas and its queue: they are no independent
witnesses. How much of their number is left is taken from how the windows differ (the design effect;
Kish 1965, *Survey Sampling*), and the interval is the exact one of Clopper and Pearson (1934) for
so many (Korn and Graubard 1998, *Survey Methodology* 24:193). It holds for small shares too, and
where nothing at all was late. A percentile's interval follows from that of the share below it
(Woodruff 1952, *JASA* 47:635).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv

from loadtests.analysis.intervals import CONFIDENCE, student_quantile
from loadtests.analysis.latency.reduction import PERCENTS, Milliseconds, at_percent
from loadtests.model.latency import Percentiles, Quantile

NORMAL_QUANTILE = 1.959964
"""Of the standard normal distribution, two-sided 95 %: the limit of Student's t."""


def share_interval(counts: Sequence[int], totals: Sequence[int]) -> tuple[float, float] | None:
    """Give the 95 % interval of the share Σcounts/Σtotals over windows; None for fewer than two."""
    total = sum(totals)
    if len(counts) < 2 or not total:
        return None
    share = sum(counts) / total
    left = effective_size(counts, totals)
    return _clopper_pearson(share * left, left)


def effective_size(counts: Sequence[int], totals: Sequence[int]) -> float:
    """Give how many independent requests say as much as these, at most as many as there are."""
    total, windows = sum(totals), len(totals)
    share = sum(counts) / total
    binomial = share * (1 - share) / total
    between = math.fsum((c - share * n) ** 2 for c, n in zip(counts, totals, strict=True))
    clustered = windows / (windows - 1) * between / total**2
    if clustered == 0 or binomial == 0:
        return float(total)
    few = (NORMAL_QUANTILE / student_quantile(windows - 1)) ** 2
    return min(float(total), total * binomial / clustered * few)


def percentiles(windows: Sequence[Milliseconds]) -> Percentiles:
    """Give the percentiles over all requests of several windows, with their intervals."""
    ordered = np.sort(np.concatenate(windows)) if windows else np.empty(0)
    p50, p90, p99, p999 = (quantile(windows, ordered, percent) for percent in PERCENTS)
    return Percentiles(p50=p50, p90=p90, p99=p99, p999=p999)


def quantile(windows: Sequence[Milliseconds], ordered: Milliseconds, percent: float) -> Quantile:
    """Give one percentile of the ``ordered`` times of all windows, with its 95 % interval."""
    value = at_percent(ordered, percent)
    if value is None or len(windows) < 2:
        return Quantile(ms=value, low_ms=None, high_ms=None)
    counts = [int(np.count_nonzero(window <= value)) for window in windows]
    left = effective_size(counts, [window.size for window in windows])
    low, high = _clopper_pearson(percent / 100 * left, left)
    # Where not even the slowest of so many lies beyond, nothing bounds it from above.
    bounded = math.ceil(high * ordered.size) < ordered.size
    return Quantile(
        ms=value,
        low_ms=at_percent(ordered, 100 * low),
        high_ms=at_percent(ordered, 100 * high) if bounded else None,
    )


def _clopper_pearson(count: float, total: float) -> tuple[float, float]:
    """Give the exact interval of a share; ``count`` and ``total`` need not be whole numbers."""
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return low, high
