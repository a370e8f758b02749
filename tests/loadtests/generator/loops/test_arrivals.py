from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from loadtests.generator.loops.arrivals import arrivals, constant_arrivals, poisson_arrivals


@pytest.mark.parametrize("rate_rps", [50.0, 500.0, 5_000.0])
def test_times_between_poisson_arrivals_are_exponential(rate_rps: float) -> None:
    moments = poisson_arrivals(rate_rps, 10.0, np.random.default_rng(1))

    fit = stats.kstest(np.diff(moments), "expon", args=(0, 1 / rate_rps))

    assert fit.pvalue > 0.01


def test_times_between_constant_arrivals_would_not_pass_for_poisson() -> None:
    gaps = np.diff(constant_arrivals(500.0, 10.0))

    assert stats.kstest(gaps, "expon", args=(0, 1 / 500)).pvalue < 1e-9
    assert np.ptp(gaps) < 1e-9


def test_poisson_arrivals_are_independent_from_one_stretch_to_the_next() -> None:
    gaps = np.diff(poisson_arrivals(1_000.0, 20.0, np.random.default_rng(2)))

    assert stats.spearmanr(gaps[:-1], gaps[1:]).pvalue > 0.01


@pytest.mark.parametrize("kind", ["poisson", "constant"])
def test_each_span_has_exactly_its_rate(kind: str) -> None:
    moments = arrivals(kind, 333.0, (0.5, 10.0), seed=7)

    assert ((moments >= 0) & (moments < 0.5)).sum() == round(333 * 0.5)
    assert ((moments >= 0.5) & (moments < 10.5)).sum() == 3330
    assert (np.diff(moments) >= 0).all()


def test_a_seed_repeats_the_arrivals_and_another_one_does_not() -> None:
    first, again, other = (arrivals("poisson", 50.0, (1.0, 2.0), seed=seed) for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).any()


def test_shifted_arrivals_are_the_same_ones_later_and_go_round_in_their_span() -> None:
    first, later = (
        arrivals("poisson", 50.0, (1.0, 2.0), seed=1, shift_s=shift_s) for shift_s in (0.0, 0.25)
    )

    for begins, ends in ((0.0, 1.0), (1.0, 3.0)):
        before = first[(first >= begins) & (first < ends)]
        moved = np.where(before + 0.25 < ends, before + 0.25, before + 0.25 - (ends - begins))
        assert later[(later >= begins) & (later < ends)] == pytest.approx(np.sort(moved))
    assert (np.diff(later) >= 0).all()
