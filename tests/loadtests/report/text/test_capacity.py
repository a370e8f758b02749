from dataclasses import replace
from typing import Any

import pytest

from loadtests.model.result import CellResult, Estimate, LawResult
from loadtests.report.text import capacity
from tests.loadtests.builders import make_cell, make_plan, make_result, make_trials


def a_cell(estimate: float, low: float | None, high: float | None, *, replicas: int) -> CellResult:
    plan = make_plan(replica_counts=(replicas,))
    (cell,) = make_result(plan, make_trials(plan)).cells
    return replace(
        cell,
        cell=make_cell(replicas=replicas),
        throughput_rps=Estimate(estimate=estimate, low=low, high=high),
    )


def a_law(sigma: tuple[Any, Any, Any], kappa: tuple[Any, Any, Any] | None = None) -> LawResult:
    bounds = [
        None if loss is None else Estimate(estimate=loss[0], low=loss[1], high=loss[2])
        for loss in (sigma, kappa)
    ]
    assert bounds[0] is not None
    return LawResult(
        worker="gthread",
        workload="cpu",
        name="amdahl" if kappa is None else "usl",
        sigma=bounds[0],
        kappa=bounds[1],
        bound=None,
        note="",
    )


MEASURED = a_cell(400.0, 390.0, 410.0, replicas=4)
LINEAR = a_law((0.0, 0.0, 0.0))
TENTH = a_law((0.1, 0.08, 0.12))


def test_a_loss_that_may_be_the_shared_cores_is_not_extrapolated() -> None:
    assert capacity.reaches(MEASURED, TENTH)
    assert not capacity.reaches(MEASURED, replace(TENTH, extrapolates=False))


def test_a_law_without_a_loss_goes_on_in_proportion_from_what_was_measured() -> None:
    assert capacity.rate_at(MEASURED, LINEAR, 8) == Estimate(estimate=800, low=780, high=820)


def test_the_bounds_take_the_worse_end_of_law_and_measurement_together() -> None:
    rate = capacity.rate_at(MEASURED, TENTH, 8)

    # S(8)/S(4) = 2·(1 + 3σ)/(1 + 7σ)
    assert rate.estimate == pytest.approx(400 * 2 * 1.3 / 1.7)
    assert rate.low == pytest.approx(390 * 2 * 1.36 / 1.84)
    assert rate.high == pytest.approx(410 * 2 * 1.24 / 1.56)


def test_at_the_measured_count_it_is_what_was_measured() -> None:
    assert capacity.rate_at(MEASURED, TENTH, 4) == MEASURED.throughput_rps


def test_no_replica_is_hoped_to_give_more_than_those_that_were_measured() -> None:
    lucky = a_law((-0.05, -0.08, -0.02), (-0.001, -0.002, 0.0))

    assert capacity.rate_at(MEASURED, lucky, 8).high == pytest.approx(820)


def test_the_replicas_for_a_rate_are_bounded_from_both_sides() -> None:
    need = capacity.replicas_for(MEASURED, TENTH, 800.0)

    # S(n) = n/(1 + σ(n − 1)) reaches 800/X(4)·S(4) at 14.4; at best at 11.7, at worst at 19.2
    assert (need.likely, need.least, need.most) == (15, 12, 20)


def test_a_rate_that_the_law_never_reaches_has_no_number_of_replicas() -> None:
    need = capacity.replicas_for(MEASURED, TENTH, 1250.0)

    # The bound of 1/σ: 1300 in the middle, 1147 at worst
    assert need.likely is not None
    assert need.most is None
    assert capacity.replicas_for(MEASURED, TENTH, 1301.0).likely is None


def test_a_law_that_turns_down_reaches_only_what_lies_below_its_peak() -> None:
    falling = a_law((0.05, 0.05, 0.05), (0.01, 0.01, 0.01))

    # S peaks at 10 with 4.26 = 1.35·S(4); 1.3 of it is reached between 7 and 8
    assert capacity.replicas_for(MEASURED, falling, 400 * 1.3).likely == 8
    assert capacity.replicas_for(MEASURED, falling, 400 * 1.4).likely is None


@pytest.mark.parametrize(
    ("cell", "law"),
    [
        (MEASURED, a_law((0.1, None, None))),
        (a_cell(400.0, None, None, replicas=4), TENTH),
    ],
)
def test_without_intervals_nothing_is_said_beyond(cell: CellResult, law: LawResult) -> None:
    assert not capacity.reaches(cell, law)
    assert capacity.reaches(MEASURED, TENTH)
