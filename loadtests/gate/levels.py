"""How the error of a whole gate is shared out over its looks and endpoints. PURE.

Look k (1, 2, 3, …) may err with 1/(k(k+1)) of the whole. These shares add up to 1 however many
looks there are, so by the union bound (Boole's inequality) the whole error holds for any number of
looks, those of ``--append`` included, whatever the dependence between them.

The error of ``regressed`` is also shared out equally over the endpoints: one false alarm of any is
one of the gate (Bonferroni). That of ``pass`` is not: all endpoints have to pass, so a gate that
passes wrongly has erred on one given endpoint (intersection–union test, Berger 1982, Technometrics
24:295).
"""

from __future__ import annotations

from collections.abc import Sequence

ALPHA = 0.01
"""Chance that a gate calls a change without effect ``regressed``, all endpoints and looks."""

BETA = 0.05
"""Chance that a gate passes a loss as great as the margin of one of its endpoints."""

PAIR_LOOKS = (16, 24)
"""The first numbers of pairs. Sixteen, where pairs differ by 2.5 %, tell 5 % from nothing in all
but one gate of a thousand, and let 2 % pass in 94 of 100 (simulated)."""

BLOCK_LOOKS = (8, 12)
"""The first numbers of scaling blocks, which come in turns and take longer: eight, where they
differ by 5 %, show a margin of 10 %."""


def looks(first: tuple[int, int], count: int) -> tuple[int, ...]:
    """Return ``count`` looks: each of the first two, then twice the one before the last.

    So each has a half or a third more than the one before, and is worth its share of the error.
    """
    found = list(first)
    while len(found) < count:
        found.append(2 * found[-2])
    return tuple(found[:count])


def look_at(units: int, planned: Sequence[int]) -> int:
    """Return the number of the last look that ``units`` starts reach; 0 before the first."""
    return sum(1 for look in planned if look <= units)


def share(look: int) -> float:
    """Return the share of the whole error that a look from 1 on may use."""
    return 1 / (look * (look + 1))


def alpha_at(look: int, alpha: float, tests: int) -> float:
    """Return the one-sided level of ``regressed`` and ``improved``, for one of ``tests``."""
    return alpha * share(look) / tests


def beta_at(look: int, beta: float) -> float:
    """Return the one-sided level of ``pass``, the same for every endpoint."""
    return beta * share(look)
