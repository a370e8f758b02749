"""Error spending: divides a gate's error over its looks and endpoints. PURE.

The shares of the looks add up to 1 for any number of looks, so the total error also holds with
``--append``. Look k (1, 2, 3, …) spends 1/(k(k+1)) of the error of ``pass``, most of it early:
nearly every gate passes, and should be short. The error of ``regressed`` is spent late (``late``):
a false alarm costs a person hours, one more look costs minutes, and few starts give a poor estimate
of the spread.

A look spends the probability of a *first* error there: a sum that is too low at one look was mostly
too low at the previous look. So a look tests at a higher level than its share. The level follows
from the joint normal distribution of the sums at the looks, whose increments are independent (error
spending: Lan and DeMets 1983, Biometrika 70:659; integration over the looks: Armitage, McPherson
and Rowe 1969, J. R. Stat. Soc. A 132:235). Student's t uses the same levels (Jennison and Turnbull
2000, *Group Sequential Methods*, 4.4), which exceeds the error by up to a tenth. So a tenth stays
unspent.

The error of ``regressed`` is also divided equally over the endpoints: a false alarm on any of them
is one of the gate (Bonferroni). The error of ``pass`` is not divided: all endpoints have to pass,
so a wrong pass is wrong on the endpoint that regressed (intersection–union test, Berger 1982,
Technometrics 24:295).
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
"""From a look (counted from 1) and the planned looks to the share of the error spent by then."""

ALPHA = 0.01
"""Probability that a gate reports ``regressed`` without a change, over all endpoints and looks."""

BETA = 0.05
"""Probability that a gate passes a loss as large as the margin of one of its endpoints."""

SPENT = 0.9
"""Share of each error that is spent; see the head of this module."""

LOWEST_Z = -9.0
"""Lower limit of the integration; the normal distribution has less than 10⁻¹⁸ below it."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
"""Gauss–Legendre nodes and weights of the integration over the sum at the previous look."""

PAIR_LOOKS = (16, 24)
"""Pairs at the first two looks. Where pairs differ by 2.5 % (SD), sixteen detect a loss of 5 % in
995 of 1000 gates and pass a loss of 2 % in 91 of 100 (simulated)."""

BLOCK_LOOKS = (8, 12)
"""Scaling blocks at the first two looks. Where blocks differ by 5 % (SD), eight decide a margin of
10 %."""


def looks(first: tuple[int, int], count: int) -> tuple[int, ...]:
    """Return ``count`` looks: the first two, then each twice the last but one.

    So each look has a half or a third more starts than the previous one.
    """
    numbers = list(first)
    while len(numbers) < count:
        numbers.append(2 * numbers[-2])
    return tuple(numbers[:count])


def look_at(units: int, planned: Sequence[int]) -> int:
    """Return the number of the last look that ``units`` starts reach, or 0 before the first."""
    return sum(1 for look in planned if look <= units)


def early(look: int, looks: tuple[int, ...]) -> float:
    """Return the share of the error spent up to a look (counted from 1): half at the first."""
    del looks  # this share depends on the number of the look, not on its starts
    return look / (look + 1)


def late(look: int, looks: tuple[int, ...]) -> float:
    """Return the share of the error spent up to a look (counted from 1): 1/16 at the first.

    It is the square of the information fraction (the power family of Kim and DeMets 1987,
    Biometrika 74:149). There is no last look, so the fraction at n starts is n/(n + 3 × the starts
    of the first look): a quarter at the first look, a half at the fourth.
    """
    return (looks[look - 1] / (looks[look - 1] + 3 * looks[0])) ** 2


def share(look: int, looks: tuple[int, ...], spent: Spending) -> float:
    """Return the share of the error that a look (counted from 1) may spend."""
    return spent(look, looks) - (spent(look - 1, looks) if look > 1 else 0.0)


def level_at(look: int, looks: tuple[int, ...], error: float, spent: Spending) -> float:
    """Return the one-sided level at which a look (counted from 1) tests, given the total error."""
    return _levels(looks[:look], SPENT * error, spent)[-1]


@lru_cache(maxsize=256)
def _levels(looks: tuple[int, ...], error: float, spent: Spending) -> tuple[float, ...]:
    """Return the levels of all looks; see the head of this module.

    ``density`` is the density of the standardised sum at the last look, at ``points``, given that
    no look has tested positive so far. Sums beyond that look's bound are excluded.
    """
    bound = -float(ndtri(error * share(1, looks, spent)))
    levels = [float(ndtr(-bound))]
    points, weights = _below(bound)
    density = np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    for look, (before, now) in enumerate(pairwise(looks), start=2):
        mass = weights * density
        arriving = math.sqrt(before / now) * points
        spread = math.sqrt(1 - before / now)
        bound = _bound(mass, arriving, spread, error * share(look, looks, spent))
        levels.append(float(ndtr(-bound)))
        points, weights = _below(bound)
        steps = (points[:, None] - arriving[None, :]) / spread
        density = np.exp(-(steps**2) / 2) @ mass / (spread * math.sqrt(2 * math.pi))
    return tuple(levels)


def _bound(mass: Floats, arriving: Floats, spread: float, spent: float) -> float:
    """Return the bound that a sum starting at ``arriving`` exceeds with probability ``spent``."""
    # Imported only here: it takes 0.2 s, which other commands should not wait for.
    from scipy.optimize import brentq

    def too_much(bound: float) -> float:
        return float(mass @ ndtr((arriving - bound) / spread)) - spent

    return float(brentq(too_much, 0.0, -LOWEST_Z))


def _below(bound: float) -> tuple[Floats, Floats]:
    """Return the integration points up to a bound, and their weights."""
    half = (bound - LOWEST_Z) / 2
    return LOWEST_Z + half * (NODES + 1), half * WEIGHTS
