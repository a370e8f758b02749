import math

import pytest
from scipy.stats import ttest_1samp

from loadtests.analysis.intervals import (
    UNKNOWN,
    chi_square_chance,
    geometric_mean,
    half_width_ratio,
    overlap,
    standard_error,
    student_chance,
    student_quantile,
)
from loadtests.model.result import Estimate


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.7062), (3, 3.1824), (11, 2.2010)])
def test_the_quantile_is_that_of_a_printed_table_of_students_t(
    degrees: int, quantile: float
) -> None:
    assert student_quantile(degrees) == pytest.approx(quantile, abs=5e-5)


def test_a_mean_of_logarithms_is_given_back_as_a_factor_with_its_t_interval() -> None:
    # mean 0.6931, s = 0.02, R = 4, so the margin is 3.1824 × 0.02 / 2
    logs = [math.log(2) + 0.02 * sign * math.sqrt(0.75) for sign in (-1, 1, -1, 1)]

    found = geometric_mean(logs)

    assert found.estimate == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0 * math.exp(-0.031824), rel=1e-4)
    assert found.high == pytest.approx(2.0 * math.exp(0.031824), rel=1e-4)


def test_an_error_that_all_values_share_is_added_in_quadrature() -> None:
    logs = [math.log(2) + 0.02 * sign * math.sqrt(0.75) for sign in (-1, 1, -1, 1)]

    found = geometric_mean(logs, shared=0.04)

    assert found.estimate == pytest.approx(2.0)
    assert found.high == pytest.approx(2.0 * math.exp(math.hypot(0.031824, 0.04)), rel=1e-4)
    assert geometric_mean([0.5, 0.5], shared=0.04).low == pytest.approx(math.exp(0.46))


def test_one_value_has_an_estimate_but_no_interval() -> None:
    found = geometric_mean([math.log(3)])

    assert found.estimate == pytest.approx(3.0)
    assert found.low is found.high is None


def test_no_values_are_unknown_and_not_zero() -> None:
    assert geometric_mean([]) == UNKNOWN


def between(low: float | None, high: float | None) -> Estimate:
    return Estimate(estimate=1.0, low=low, high=high)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.9, 1.95, False),
        (1.9, 1.96, True),
        (1.9, 2.1, True),
        (1.97, 2.03, True),
        (2.04, 2.1, True),
        (2.05, 2.1, False),
    ],
)
def test_two_intervals_overlap_where_they_have_a_value_in_common(
    low: float, high: float, *, expected: bool
) -> None:
    one, other = between(1.96, 2.04), between(low, high)

    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


@pytest.mark.parametrize("missing", [UNKNOWN, between(1.0, None), between(None, 3.0)])
def test_what_has_no_interval_overlaps_nothing(missing: Estimate) -> None:
    assert not overlap(between(1.96, 2.04), missing)
    assert not overlap(missing, between(1.96, 2.04))


def test_the_half_width_is_measured_from_the_middle_of_the_logarithms() -> None:
    assert half_width_ratio(Estimate(estimate=2.0, low=2 / 1.04, high=2 * 1.04)) == pytest.approx(
        0.04
    )


def test_without_an_interval_there_is_no_half_width() -> None:
    assert half_width_ratio(UNKNOWN) is None


@pytest.mark.parametrize(("values", "truth"), [((0.1, 0.3, 0.2, 0.5), 0.0), ((-2.0, -1.0), 0.4)])
def test_the_chance_of_a_mean_is_that_of_the_t_test(
    values: tuple[float, ...], truth: float
) -> None:
    off = [value - truth for value in values]
    mean = sum(off) / len(off)

    chance = student_chance(mean / standard_error(off), len(off) - 1)

    assert chance == pytest.approx(ttest_1samp(values, truth).pvalue)


def test_the_chance_of_a_chi_square_is_its_upper_tail() -> None:
    assert chi_square_chance(7.815, 3) == pytest.approx(0.05, abs=1e-4)
    assert chi_square_chance(0.0, 3) == 1.0
