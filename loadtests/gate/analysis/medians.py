"""The median of all requests of all starts, and its change as one value a start. PURE.

The median of a single window of an open loop is a noisy thing: requests come in bursts, so a window
that had the bad luck of one reads twice the median of its neighbour. The median of the requests of
all starts together hardly minds: those few windows are a few of its requests. So it is their ratio
that is estimated, θ, and each start is given its part in it, θ + (N − 1)·(θ̄ − θ₋ᵢ), where θ₋ᵢ is
the estimate without that start and θ̄ their mean (the jackknife: Tukey 1958, Ann. Math. Stat.
29:614; without its correction of bias, which makes a median vary more). The start stays the unit. A
jackknife of a median of single values fails (Miller 1974, Biometrika 61:1); here it leaves out
hundreds of requests at once, of distributions that are interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POINTS = 100
"""Quantiles that stand for the times of a window."""

DIGITS = 12
"""Of a value; beyond them the order in which starts are added up would show."""

HAIR = 1e-9

GRID = 2000
"""Times at which distributions are compared, at most."""


@dataclass(frozen=True)
class Times:
    """How long the requests of one window took: how many there were, and quantiles in ms."""

    count: int
    quantiles_ms: tuple[float, ...]


Start = tuple[Sequence[Times], Sequence[Times]]
"""The open windows of base and those of head, none of them without requests."""


def quantile_levels(count: int) -> Floats:
    """Return the levels of the quantiles that stand for so many times."""
    points = min(count, POINTS)
    return (np.arange(points) + 0.5) / max(1, points)


def changes(starts: Sequence[Start]) -> tuple[float, ...]:
    """Return each start's part in ln(median of base ÷ median of head), their mean.

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
    """Return the median of all requests of all these starts of one side."""
    return float(np.exp(_logs(starts)[0])) if starts else None


def _logs(starts: Sequence[Sequence[Times]]) -> Floats:
    """Return the logarithm of the median of all starts, and of all without each one."""
    windows = [[(each.count, _points(each)) for each in start] for start in starts]
    grid = np.unique(np.concatenate([points for start in windows for _, points in start]))
    grid = grid[np.linspace(0, len(grid) - 1, min(len(grid), GRID)).round().astype(int)]
    below = np.array([sum(_below(grid, *window) for window in start) for start in windows])
    counts = np.array([sum(count for count, _ in start) for start in windows], dtype=float)
    all_below, all_count = below.sum(axis=0), counts.sum()
    found = [_middle(grid, all_below / all_count)]
    if len(starts) > 1:
        found += [
            _middle(grid, (all_below - row) / (all_count - count))
            for row, count in zip(below, counts, strict=True)
        ]
    return np.array(found)


def _points(times: Times) -> Floats:
    """Return the logarithms of the quantiles, those that are the same a hair apart."""
    return np.asarray(np.log(times.quantiles_ms) + HAIR * np.arange(len(times.quantiles_ms)))


def _below(grid: Floats, count: int, points: Floats) -> Floats:
    """Return how many requests of a window took no longer, for each time of the grid."""
    levels = quantile_levels(len(points))
    return np.asarray(count * np.interp(grid, points, levels, left=0.0, right=1.0))


def _middle(grid: Floats, shares: Floats) -> float:
    return float(np.interp(0.5, shares, grid))
