import pytest

from loadtests.model.result import Estimate
from loadtests.report import rounding


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.8234, "0.823"),
        (2.314, "2.31"),
        (52.34, "52.3"),
        (99.96, "100"),
        (106.4, "106"),
        (1916.2, "1916"),
        (-52.34, "-52.3"),
    ],
)
def test_a_figure_keeps_three_digits_or_all_whole_ones(value: float | None, text: str) -> None:
    assert rounding.figure(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (1.975, "1.98"), (14, "14.00")])
def test_a_factor_has_two_decimals(value: float | None, text: str) -> None:
    assert rounding.factor(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.9731, "97.3 %"), (-0.0002, "0.0 %")])
def test_a_share_is_per_cents_and_zero_has_no_sign(value: float | None, text: str) -> None:
    assert rounding.percent(value) == text


def test_an_interval_follows_its_estimate() -> None:
    assert rounding.interval(Estimate(estimate=1.98, low=1.941, high=2.02), rounding.factor) == (
        "1.98 [1.94, 2.02]"
    )


def test_an_estimate_without_an_interval_stands_alone() -> None:
    assert (
        rounding.interval(Estimate(estimate=1.98, low=None, high=None), rounding.factor) == "1.98"
    )


def test_the_parts_of_a_figures_interval_have_as_many_decimals() -> None:
    assert rounding.figures(Estimate(estimate=99.96, low=97.5, high=102.4)) == "100 [98, 102]"


def test_a_share_with_its_interval_says_per_cent_once() -> None:
    assert rounding.percents(Estimate(estimate=0.029, low=0.02, high=0.039)) == "2.9 % [2.0, 3.9]"


def test_a_small_number_has_two_digits() -> None:
    assert rounding.small(0.000312) == "0.00031"


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0.05, "10 seconds"),
        (0.336, "30 seconds"),
        (1.02, "70 seconds"),
        (2.0, "120 seconds"),
        (2.01, "3 minutes"),
        (8.91, "9 minutes"),
    ],
)
def test_a_time_to_wait_is_rounded_up_and_short_ones_are_seconds(
    minutes: float, told: str
) -> None:
    assert rounding.time_to_wait(minutes) == told
