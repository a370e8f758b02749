"""Shares and percentiles over several windows, with confidence intervals by windows. PURE.

Requests of one window share its moment, its replicas and its queue, so they are not independent.
Their effective number follows from how the windows differ (the design effect; Kish 1965, *Survey
Sampling*). The interval is that of Clopper and Pearson (1934) for the effective number (Korn and
Graubard 1998, *Survey Methodology* 24:193). It is exact for small shares, too, and for a share of
zero. A percentile's interval follows from that of the share below it (Woodruff 1952, *JASA*
47:635).
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
"""Two-sided 95 % quantile of the standard normal distribution: the limit of Student's t."""


def share_interval(counts: Sequence[int], totals: Sequence[int]) -> tuple[float, float] | None:
    """Return the 95 % interval of Σcounts/Σtotals over windows; None for fewer than two windows."""
    total = sum(totals)
    if len(counts) < 2 or not total:
        return None
    share = sum(counts) / total
    size = effective_size(counts, totals)
    return _clopper_pearson(share * size, size)


def effective_size(counts: Sequence[int], totals: Sequence[int]) -> float:
    """Return how many independent requests are as informative as these (Kish 1965)."""
    total, windows = sum(totals), len(totals)
    share = sum(counts) / total
    binomial = share * (1 - share) / total
    between = math.fsum((c - share * n) ** 2 for c, n in zip(counts, totals, strict=True))
    clustered = windows / (windows - 1) * between / total**2
    if clustered == 0 or binomial == 0:
        return float(total)
    few_windows = (NORMAL_QUANTILE / student_quantile(windows - 1)) ** 2
    return min(float(total), total * binomial / clustered * few_windows)


def percentiles(windows: Sequence[Milliseconds]) -> Percentiles:
    """Return the percentiles in ms over all requests of several windows, with their intervals."""
    ordered = np.sort(np.concatenate(windows)) if windows else np.empty(0)
    p50, p90, p99, p999 = (quantile(windows, ordered, percent) for percent in PERCENTS)
    return Percentiles(p50=p50, p90=p90, p99=p99, p999=p999)


def quantile(windows: Sequence[Milliseconds], ordered: Milliseconds, percent: float) -> Quantile:
    """Return one percentile of the ``ordered`` times of all windows, with its 95 % interval."""
    value = at_percent(ordered, percent)
    if value is None or len(windows) < 2:
        return Quantile(ms=value, low_ms=None, high_ms=None)
    counts = [int(np.count_nonzero(window <= value)) for window in windows]
    size = effective_size(counts, [window.size for window in windows])
    low, high = _clopper_pearson(percent / 100 * size, size)
    # Without a request above the upper end there is no upper bound.
    bounded = math.ceil(high * ordered.size) < ordered.size
    return Quantile(
        ms=value,
        low_ms=at_percent(ordered, 100 * low),
        high_ms=at_percent(ordered, 100 * high) if bounded else None,
    )


def _clopper_pearson(count: float, total: float) -> tuple[float, float]:
    """Return the exact interval of a share; ``count`` and ``total`` need not be whole numbers."""
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return low, high
