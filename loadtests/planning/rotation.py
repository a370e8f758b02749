"""Chooses the replicas of each cell in each round. PURE.

Replicas differ by a few per cent from start to start. So a cell with fewer replicas than were
started uses different ones in each round, each equally often: 1, 2, 3, 4 alone, and as pairs
12, 34, 13, 24, 14, 23. Where that is possible, the one of a round is one of its pair: a doubling is
compared within a round, and what a replica has of its own is then in both of its cells. It leaves a
third of the variance that replicas make in the ratio of one and two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from random import Random

TRIES = 60
"""Random orders tried for each pass; with four replicas, three passes contain every pair once."""

Sets = tuple[tuple[int, ...], ...]


def rotations(
    *, total: int, sizes: Collection[int], rounds: int, rng: Random
) -> Mapping[int, Sets]:
    """Return the sets of each size, as :func:`rotation` does; in a round, one within another."""
    by_size: dict[int, Sets] = {}
    larger: Sets = ()
    for size in sorted(sizes, reverse=True):
        larger = rotation(total=total, size=size, rounds=rounds, rng=rng, within=larger)
        by_size[size] = larger
    return by_size


def rotation(*, total: int, size: int, rounds: int, rng: Random, within: Sets = ()) -> Sets:
    """Return ``rounds`` sets of ``size`` replicas out of 1…``total``, each replica equally often.

    The balance is exact after each pass of ``total / gcd(total, size)`` rounds. Of several random
    orders, the one with the least used sets is taken, so sets repeat as late as possible; of these,
    the one with the most sets that lie in their round's set of ``within``.
    """
    if not 1 <= size <= total:
        raise ValueError(f"{size} replicas cannot be taken out of {total}")
    length = total // math.gcd(total, size)
    used: Counter[tuple[int, ...]] = Counter()
    sets: list[tuple[int, ...]] = []
    while len(sets) < rounds:
        outer = within[len(sets) : len(sets) + length]
        passes = [_placed(_one_pass(total, size, length, rng), outer) for _ in range(TRIES)]
        best = min(
            passes, key=lambda groups: (sum(used[each] for each in groups), -_inside(groups, outer))
        )
        used.update(best)
        sets.extend(best)
    return tuple(sets[:rounds])


def _inside(groups: Sequence[tuple[int, ...]], within: Sets) -> int:
    """Return how many of the sets lie in their round's."""
    return sum(set(group) <= set(outer) for group, outer in zip(groups, within, strict=False))


def _placed(groups: Sequence[tuple[int, ...]], within: Sets) -> list[tuple[int, ...]]:
    """Return the sets of a pass in the order in which most of them lie in those of ``within``.

    It is a maximum matching of sets and rounds, by augmenting paths (Kuhn 1955).
    """
    holder: dict[int, int] = {}  # which set each round has

    def place(group: int, tried: set[int]) -> bool:
        for number, outer in enumerate(within):
            if number in tried or not set(groups[group]) <= set(outer):
                continue
            tried.add(number)
            if number not in holder or place(holder[number], tried):
                holder[number] = group
                return True
        return False

    for group in range(len(groups)):
        place(group, set())
    rest = [group for group in range(len(groups)) if group not in holder.values()]
    return [groups[holder[at] if at in holder else rest.pop(0)] for at in range(len(groups))]


def _one_pass(total: int, size: int, length: int, rng: Random) -> list[tuple[int, ...]]:
    order = list(range(1, total + 1))
    rng.shuffle(order)
    circle = order * 2
    starts = ((turn * size) % total for turn in range(length))
    return [tuple(sorted(circle[start : start + size])) for start in starts]
