"""How the error of a whole gate is shared out over its looks and endpoints. PURE.

The shares of the looks add up to 1 however many looks there are, so the whole error holds for any
number of looks, those of ``--append`` included. Of the error of ``pass`` look k (1, 2, 3, …) may
spend 1/(k(k+1)), most of it early: nearly every gate passes, and should be short. That of
``regressed`` is spent late (``late``): an alarm takes a person's hours, so there the minutes that
one more look takes are nothing, and of few starts the spread is known least.

What is spent at a look is the chance to err there *first*: a sum of starts that is too low at one
look was mostly too low at the look before, and that was paid for then. So the level at which a look
tests is higher than its share. It is worked out from the joint normal distribution of the sums at
the looks, whose increments are independent (error spending: Lan and DeMets 1983, Biometrika 70:659;
the integration over the looks: Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A 132:235), and
used for Student's t as it is (Jennison and Turnbull 2000, *Group Sequential Methods*, 4.4), which
then errs up to a tenth more than it may (simulated: 2 to 10 %); so a tenth is not spent.

The error of ``regressed`` is also shared out equally over the endpoints: one false alarm of any is
one of the gate (Bonferroni). That of ``pass`` is not: all endpoints have to pass, so a gate that
passes wrongly has erred on one given endpoint (intersection–union test, Berger 1982, Technometrics
24:295).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]

Spending = Callable[[int, tuple[int, ...]], float]
"""Look (from 1 on), planned looks → the share of the whole error that is used up by then."""

ALPHA = 0.01
"""Chance that a gate calls a change without effect ``regressed``, all endpoints and looks."""

BETA = 0.05
"""Chance that a gate passes a loss as great as the margin of one of its endpoints."""

SPENT = 0.9
"""Share of each error that is spent."""

LOWEST_Z = -9.0
"""Below this a standard normal sum does not come, to a part in 10¹⁸."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
"""Of the integration over the sum at the look before (Gauss and Legendre)."""

PAIR_LOOKS = (16, 24)
"""The first numbers of pairs. Sixteen, where pairs differ by 2.5 %, tell 5 % from nothing in 995
of 1000 gates, and let 2 % pass in 91 of 100 (simulated)."""

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


def early(look: int, looks: tuple[int, ...]) -> float:
    """Return the share of the whole error used up to a look (from 1 on): half at the first."""
    del looks  # by how many there were, not by how many starts they saw
    return look / (look + 1)


def late(look: int, looks: tuple[int, ...]) -> float:
    """Return the share of the whole error used up to a look (from 1 on): 1/16 at the first.

    The square of the part that has been seen (the power family of Kim and DeMets 1987, Biometrika
    74:149). There is no last look, so of n starts n/(n + 3 × those of the first look) counts as
    that part: a quarter at the first, a half at the fourth.
    """
    return (looks[look - 1] / (looks[look - 1] + 3 * looks[0])) ** 2


def share(look: int, looks: tuple[int, ...], spent: Spending) -> float:
    """Return the share of the whole error that a look (from 1 on) may use."""
    return spent(look, looks) - (spent(look - 1, looks) if look > 1 else 0.0)


def level_at(look: int, looks: tuple[int, ...], error: float, spent: Spending) -> float:
    """Return the one-sided level at which a look (from 1 on) tests, of a whole ``error``."""
    return _levels(looks[:look], SPENT * error, spent)[-1]


@lru_cache(maxsize=256)
def _levels(looks: tuple[int, ...], error: float, spent: Spending) -> tuple[float, ...]:
    """Return the levels of all looks: see the head of this module.

    ``density`` is that of the standardised sum at the last look, at ``points``, where no look has
    tested positive so far; what lies beyond the bound of that look is left out.
    """
    bound = -float(ndtri(error * share(1, looks, spent)))
    found = [float(ndtr(-bound))]
    points, weights = _below(bound)
    density = np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    for look, (before, now) in enumerate(pairwise(looks), start=2):
        mass = weights * density
        arriving = math.sqrt(before / now) * points
        spread = math.sqrt(1 - before / now)
        bound = _bound(mass, arriving, spread, error * share(look, looks, spent))
        found.append(float(ndtr(-bound)))
        points, weights = _below(bound)
        steps = (points[:, None] - arriving[None, :]) / spread
        density = np.exp(-(steps**2) / 2) @ mass / (spread * math.sqrt(2 * math.pi))
    return tuple(found)


def _bound(mass: Floats, arriving: Floats, spread: float, spent: float) -> float:
    """Return the bound beyond which so much lies of a sum that is at ``arriving``, and spreads."""
    # Imported only here: it takes 0.2 s, for which the other commands would wait too.
    from scipy.optimize import brentq

    def too_much(bound: float) -> float:
        return float(mass @ ndtr((arriving - bound) / spread)) - spent

    return float(brentq(too_much, 0.0, -LOWEST_Z))


def _below(bound: float) -> tuple[Floats, Floats]:
    """Return the points of integration up to a bound, and their weights."""
    half = (bound - LOWEST_Z) / 2
    return LOWEST_Z + half * (NODES + 1), half * WEIGHTS
