"""Whether requests fail with more replicas that did not fail with fewer, or by chance. PURE.

The counts are split at a number of replicas: ``below`` are the windows with fewer, ``above`` those
with as many or more. Two tests must both find a difference.

*By requests*: if each request failed with the same chance below and above, the failures would fall
on both sides in proportion to the requests. The p-value is that of Fisher's exact test (Fisher
1935), one-sided. The failures of a window count at most as often as in the windows that a factor's
interval does not cover (``rules.finding.broad``), so that one burst is not taken for many failures.
The tests of a run together have the level ``REQUEST_LEVEL`` (Bonferroni, without the tests that
could not reach it: Tarone 1990).

*By windows*: requests of one window are not independent. If windows were alike below and above, the
windows with failures would fall on both sides in proportion, too. Fisher's test again, with the
level ``WINDOW_LEVEL``. It holds however much the failures clump together.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp

from loadtests.analysis.rules.finding import covered

REQUEST_LEVEL = 0.001
"""Chance that any series of a run is called ``breaks`` although requests fail with the same chance
at every count, independently of one another."""

WINDOW_LEVEL = 0.015
"""The same for one series where failures clump together. Four windows without failures and four
with are the fewest that pass (1/70)."""

LEAST_RATIO = 0.0005
"""Smallest share of failures that can be a break: one in 2,000. Fewer bend no throughput, and a
request that fails once in 5,000 is no break of the application by itself."""

LEAST_FACTOR = 10.0
"""The share above must be this many times that below: "none at 1" allows for a stray failure."""

FOUND_RATIO = 0.99
"""How often a fault must be found, for its share to count as visible."""

SIMULATIONS = 1000

STEPS = 64
"""Shares that are tried, each 13 % above the one before."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Failed and all requests of each window, with fewer replicas and with as many or more."""

    below: tuple[tuple[int, int], ...]
    above: tuple[tuple[int, int], ...]


def log_chance(sides: Sides) -> float:
    """Return the natural logarithm of the p-value by requests."""
    below_total, above_total = _total(sides.below), _total(sides.above)
    above = int(capped(np.array([[failed for failed, _ in sides.above]]))[0])
    return _log_tail(above, _failed(sides.below), above_total, below_total)


def window_chance(sides: Sides) -> float:
    """Return the p-value by windows."""
    above = sum(failed > 0 for failed, _ in sides.above)
    below = sum(failed > 0 for failed, _ in sides.below)
    return math.exp(_log_tail(above, below, len(sides.above), len(sides.below)))


def least_log_chance(sides: Sides) -> float:
    """Return the smallest logarithm of a p-value that these failures could have reached."""
    total = _failed(sides.above) + _failed(sides.below)
    return _log_tail(total, 0, _total(sides.above), _total(sides.below))


def level(least_log_chances: Sequence[float]) -> float:
    """Return the level of each test of a run by requests, from what each could have reached.

    Tests that could not have been significant do not count (Tarone 1990).
    """
    tests = 1
    while sum(chance <= math.log(REQUEST_LEVEL / tests) for chance in least_log_chances) > tests:
        tests += 1
    return REQUEST_LEVEL / tests


def is_break(sides: Sides, request_level: float) -> bool:
    """Return whether requests fail above that do not fail below, by both tests and in earnest."""
    return (
        is_large(sides)
        and log_chance(sides) <= math.log(request_level)
        and window_chance(sides) <= WINDOW_LEVEL
    )


def is_large(sides: Sides) -> bool:
    """Return whether the share above is large, and many times that below."""
    below, above = _ratio(sides.below), _ratio(sides.above)
    return above >= LEAST_RATIO and above >= LEAST_FACTOR * below


def falls(below: tuple[int, int], above: tuple[int, int]) -> bool:
    """Return whether certainly fewer requests fail above; each is (failed, total)."""
    log_p = _log_tail(below[0], above[0], below[1], above[1])
    return log_p <= math.log(REQUEST_LEVEL) and _ratio([below]) > _ratio([above])


def capped(failed: Counts) -> Counts:
    """Return each row's sum of failures, where the worst windows count as the next one does.

    ``failed`` has a row a run and a column a window. At least one window is capped: a burst in a
    single window never counts.
    """
    windows = failed.shape[1]
    if windows < 2:
        return np.zeros(failed.shape[0], dtype=np.int64)
    most = np.sort(failed, axis=1)[:, windows - 1 - max(1, covered(windows))]
    sums: Counts = np.minimum(failed, most[:, None]).sum(axis=1)
    return sums


@cache
def visible_ratio(below: tuple[int, ...], above: tuple[int, ...]) -> float | None:
    """Return the smallest share of failures above that would be found in 99 of 100 runs.

    ``below`` and ``above`` are the requests of each window. Below, nothing fails. Above, each
    request fails independently. The runs are simulated, with the same random numbers in every
    call. None where not even a failure of every request would be found.
    """
    ratios = np.geomspace(LEAST_RATIO, 1.0, STEPS).tolist()
    first = bisect_left(
        ratios, FOUND_RATIO, key=lambda ratio: _found_ratio(float(ratio), below, above)
    )
    return float(ratios[first]) if first < len(ratios) else None


def _found_ratio(ratio: float, below: tuple[int, ...], above: tuple[int, ...]) -> float:
    rng = np.random.default_rng(1)
    failed = rng.binomial(np.array(above), ratio, size=(SIMULATIONS, len(above)))
    windows = (failed > 0).sum(axis=1)
    found = (
        (_log_all(capped(failed), sum(above), sum(below)) <= math.log(REQUEST_LEVEL))
        & (_log_all(windows, len(above), len(below)) <= math.log(WINDOW_LEVEL))
        & (failed.sum(axis=1) >= LEAST_RATIO * sum(above))
    )
    return float(found.mean())


def _log_tail(above: int, below: int, above_total: int, below_total: int) -> float:
    """Return ln P(at least ``above`` of the failures lie above | their sum): Fisher 1935."""
    if above == 0 or not below_total:
        return 0.0
    drawn = above + below
    counts = np.arange(above, min(drawn, above_total) + 1)
    terms = (
        _log_choose(above_total, counts)
        + _log_choose(below_total, drawn - counts)
        - _log_choose(above_total + below_total, drawn)
    )
    return min(0.0, float(logsumexp(terms)))


def _log_all(above: Counts, above_total: int, below_total: int) -> npt.NDArray[np.float64]:
    """Return ln P(all failures lie above | their sum), where ``above`` of them do."""
    logs: npt.NDArray[np.float64] = _log_choose(above_total, above) - _log_choose(
        above_total + below_total, above
    )
    return logs


def _log_choose(total: int, drawn: int | Counts) -> npt.NDArray[np.float64]:
    """Return ln C(total, drawn); minus infinity where more are drawn than there are."""
    left = total - np.asarray(drawn)
    possible = np.maximum(left, 0)
    logs = gammaln(total + 1) - gammaln(np.asarray(drawn) + 1) - gammaln(possible + 1)
    result: npt.NDArray[np.float64] = np.where(left < 0, -np.inf, logs)
    return result


def _failed(windows: Sequence[tuple[int, int]]) -> int:
    return sum(failed for failed, _ in windows)


def _total(windows: Sequence[tuple[int, int]]) -> int:
    return sum(total for _, total in windows)


def _ratio(windows: Sequence[tuple[int, int]]) -> float:
    total = _total(windows)
    return _failed(windows) / total if total else 0.0
