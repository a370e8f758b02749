"""Rates and times for people."""

import pytest

from loadtests.analysis.digits import change, figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.8234, "0.823"),
        (52.34, "52.3"),
        (999.7, "1000"),
        (1234.4, "1234"),
        (1.5e7, "15000000"),
    ],
)
def test_a_figure_has_plain_digits(value: float | None, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "+0"), (30.0, "+30.0"), (-1234.4, "-1234"), (-0.00001, "+0.000"), (0.5, "+0.500")],
)
def test_a_change_has_its_sign(value: float, text: str) -> None:
    assert change(value) == text
