import pytest

from loadtests.report.plots.scale import Scale, nice_step, span, ticks


def test_a_scale_goes_in_a_straight_line_from_start_to_end() -> None:
    scale = Scale(low=10, high=20, start=200, end=100)

    assert [scale(value) for value in (10, 15, 20)] == [200, 150, 100]


def test_what_lies_outside_is_drawn_at_the_edge() -> None:
    scale = Scale(low=0, high=1, start=0, end=100)

    assert (scale(-5), scale(7)) == (0, 100)


def test_a_range_of_nothing_is_drawn_at_its_start() -> None:
    assert Scale(low=3, high=3, start=0, end=100)(3) == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, (0, 0.5, 1)),
        (0, 220, (0, 100, 200)),
        (1.55, 2.25, (1.6, 1.8, 2.0, 2.2)),
        (0, 0.04, (0, 0.01, 0.02, 0.03, 0.04)),
    ],
)
def test_ticks_are_round_values_inside(
    low: float, high: float, expected: tuple[float, ...]
) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(("rough", "step"), [(0.3, 0.5), (1, 1), (23, 50), (0, 1), (-1, 1)])
def test_steps_are_one_two_or_five_times_a_power_of_ten(rough: float, step: float) -> None:
    assert nice_step(rough) == step


def test_a_span_holds_all_values_and_what_is_always_shown() -> None:
    assert span([0.4, 1.9], around=(1.6, 2.2)) == (0.4, 2.2)
    assert span([], around=(1.6, 2.2)) == (1.6, 2.2)
