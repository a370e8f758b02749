from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.shared import user_gain
from loadtests.model.tested.workload import Locustfile, Workload
from loadtests.model.trial import CalibrationStep
from tests.loadtests.builders import make_cell, make_plan


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


@pytest.mark.parametrize("dispersion", [1.0, 1.5, 2.0])
def test_two_answers_a_second_in_two_windows_of_a_minute_are_enough(dispersion: float) -> None:
    """Response times that spread like those of an exponential distribution, or less."""
    slow = a_step(120, dispersion)

    assert user_gain.is_sure(slow, slow)
    assert user_gain.enough_answers(slow, slow) <= 120


def test_a_replica_that_idles_is_hardly_ever_full_by_chance_at_such_response_times() -> None:
    """One user, then two: each waits for 0.5 s on average, so twice as many answers come."""
    rng = np.random.default_rng(1)
    counts = rng.poisson((60 * 2, 60 * 4), (20_000, 2))
    sure = 0
    for first, second in counts:
        before = replace(a_step(int(first), 2.0), throughput_rps=first / 60)
        last = replace(a_step(int(second), 2.0), throughput_rps=second / 60)
        sure += user_gain.is_sure(before, last)

    assert sure <= 2


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


@pytest.mark.parametrize(("worker", "slots"), [("gthread", 8), ("gevent", None)])
def test_users_that_only_wait_fill_the_slots_that_are_known(worker: str, slots: int | None) -> None:
    plan = make_plan(workers=(worker,))

    assert user_gain.filled_slots(plan, make_cell(worker=worker)) == slots


def test_users_that_may_pause_fill_no_slots_for_sure() -> None:
    file = Workload(name="cpu", path="/", locustfile=Locustfile(path="/srv/locustfile.py"))
    plan = make_plan(workloads=("cpu",))

    assert user_gain.filled_slots(replace(plan, workloads=(file,)), make_cell()) is None
