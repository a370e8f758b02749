from dataclasses import replace

import pytest

from loadtests.analysis.shared import user_gain
from loadtests.model.trial import CalibrationStep


def a_step(completed: int, dispersion: float = 1.0) -> CalibrationStep:
    """Give a step whose throughput is that of the one before, whatever was counted."""
    return CalibrationStep(
        worker="gevent",
        workload="io",
        users=2,
        throughput_rps=10.0,
        mean_ms=None,
        completed=completed,
        dispersion=dispersion,
    )


@pytest.mark.parametrize(
    ("completed", "dispersion", "sure"),
    [(65, 1.0, False), (67, 1.0, True), (500, 8.4, False), (560, 8.4, True)],
)
def test_answers_that_vary_more_must_be_more(
    completed: int, dispersion: float, *, sure: bool
) -> None:
    uneven = a_step(completed, dispersion)

    assert user_gain.is_sure(uneven, uneven) is sure


def test_the_more_variable_one_of_two_steps_counts() -> None:
    even, uneven = a_step(500), a_step(500, 8.4)

    assert not user_gain.is_sure(even, uneven)
    assert not user_gain.is_sure(uneven, even)
    assert user_gain.enough_answers(even, uneven) == pytest.approx(840)


def test_a_fall_to_a_quarter_after_few_uneven_answers_is_chance() -> None:
    """As simulated: one user alone met none of the long requests in its window of a second."""
    lucky = replace(a_step(43), throughput_rps=43.0)
    last = replace(a_step(43, 8.9), throughput_rps=10.75)

    assert not user_gain.is_sure(lucky, last)
    assert user_gain.is_sure(replace(lucky, completed=430), replace(last, completed=430))


@pytest.mark.parametrize("dispersion", [1.0, 3.0, 8.4])
def test_so_many_answers_are_enough(dispersion: float) -> None:
    step = a_step(0, dispersion)
    enough = replace(step, completed=round(user_gain.enough_answers(step, step)))

    assert user_gain.is_sure(enough, enough)
