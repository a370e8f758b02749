"""The median over all starts' requests, and its change as one value per start. PURE.

The median of one open-loop window is noisy: requests arrive in bursts, and a window with a burst
can have twice the median of the next. The median over all starts' requests is stable. So the
estimate is the ratio of these medians, θ. Each start's value is its part in it, θ + (N − 1)·(θ̄ −
θ₋ᵢ), where θ₋ᵢ is the estimate without that start and θ̄ their mean (the jackknife: Tukey 1958,
Ann. Math. Stat. 29:614; without the bias correction, which increases a median's variance). The
start stays the statistical unit. The jackknife fails for a median of single values (Miller 1974,
Biometrika 61:1); here it leaves out hundreds of requests at a time, from interpolated
distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POINTS = 100
"""Quantiles that represent the response times of a window."""

DIGITS = 12
"""Decimal places of a value; further ones would depend on the order of the starts."""

HAIR = 1e-9
"""Distance between equal quantiles, as a logarithm, so that they can be interpolated."""

GRID = 2000
"""Maximum number of points at which distributions are evaluated."""


@dataclass(frozen=True)
class Times:
    """Response times of one window: the number of requests, and quantiles in ms."""

    count: int
    quantiles_ms: tuple[float, ...]


Start = tuple[Sequence[Times], Sequence[Times]]
"""The open windows of base and of head, each with at least one request."""


def quantile_levels(count: int) -> Floats:
    """Return the levels of the quantiles that represent ``count`` response times."""
    points = min(count, POINTS)
    return (np.arange(points) + 0.5) / max(1, points)


def changes(starts: Sequence[Start]) -> tuple[float, ...]:
    """Return each start's part in ln(median of base ÷ median of head), which is their mean.

    Above 0 is better.
    """
    if not starts:
        return ()
    base, head = ([start[side] for start in starts] for side in (0, 1))
    logs = -(_logs(head) - _logs(base))
    if len(starts) == 1:
        return (float(logs[0]),)
    whole, without = logs[0], logs[1:]
    parts = whole + (len(starts) - 1) * (without.mean() - without)
    return tuple(round(part, DIGITS) for part in parts.tolist())


def median_ms(starts: Sequence[Sequence[Times]]) -> float | None:
    """Return the median over all requests of one version's starts, in ms, or None."""
    return float(np.exp(_logs(starts)[0])) if starts else None


def _logs(starts: Sequence[Sequence[Times]]) -> Floats:
    """Return the log median of all starts, then of all starts without each one."""
    windows = [[(times.count, _points(times)) for times in start] for start in starts]
    grid = np.unique(np.concatenate([points for start in windows for _, points in start]))
    grid = grid[np.linspace(0, len(grid) - 1, min(len(grid), GRID)).round().astype(int)]
    below = np.array([sum(_below(grid, *window) for window in start) for start in windows])
    counts = np.array([sum(count for count, _ in start) for start in windows], dtype=float)
    all_below, all_count = below.sum(axis=0), counts.sum()
    log_medians = [_middle(grid, all_below / all_count)]
    if len(starts) > 1:
        log_medians += [
            _middle(grid, (all_below - row) / (all_count - count))
            for row, count in zip(below, counts, strict=True)
        ]
    return np.array(log_medians)


def _points(times: Times) -> Floats:
    """Return the logarithms of the quantiles, equal ones ``HAIR`` apart."""
    return np.asarray(np.log(times.quantiles_ms) + HAIR * np.arange(len(times.quantiles_ms)))


def _below(grid: Floats, count: int, points: Floats) -> Floats:
    """Return how many requests of a window took at most each time of the grid."""
    levels = quantile_levels(len(points))
    return np.asarray(count * np.interp(grid, points, levels, left=0.0, right=1.0))


def _middle(grid: Floats, shares: Floats) -> float:
    return float(np.interp(0.5, shares, grid))
