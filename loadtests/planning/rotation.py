"""Chooses the replicas of each cell in each round. PURE.

Replicas differ by a few per cent from start to start. So a cell with fewer replicas than were
started uses different ones in each round, each equally often: 1, 2, 3, 4 alone, and as pairs
12, 34, 13, 24, 14, 23.
"""

from __future__ import annotations

import math
from collections import Counter
from random import Random

TRIES = 60
"""Random orders tried for each pass; with four replicas, three passes contain every pair once."""


def rotation(*, total: int, size: int, rounds: int, rng: Random) -> tuple[tuple[int, ...], ...]:
    """Return ``rounds`` sets of ``size`` replicas out of 1…``total``, each replica equally often.

    The balance is exact after each pass of ``total / gcd(total, size)`` rounds. Of several random
    orders, the one with the least used sets is taken, so sets repeat as late as possible.
    """
    if not 1 <= size <= total:
        raise ValueError(f"{size} replicas cannot be taken out of {total}")
    length = total // math.gcd(total, size)
    used: Counter[tuple[int, ...]] = Counter()
    sets: list[tuple[int, ...]] = []
    while len(sets) < rounds:
        passes = [_one_pass(total, size, length, rng) for _ in range(TRIES)]
        best = min(passes, key=lambda groups: sum(used[group] for group in groups))
        used.update(best)
        sets.extend(best)
    return tuple(sets[:rounds])


def _one_pass(total: int, size: int, length: int, rng: Random) -> list[tuple[int, ...]]:
    order = list(range(1, total + 1))
    rng.shuffle(order)
    circle = order * 2
    starts = ((turn * size) % total for turn in range(length))
    return [tuple(sorted(circle[start : start + size])) for start in starts]
