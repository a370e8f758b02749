from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.latency import slo_search
from loadtests.analysis.latency.slo_search import NARROW_RATIO, next_rate
from loadtests.model.latency import SloStep
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Cell
from loadtests.model.trial import GeneratorHealth
from tests.loadtests.analysis.latency.builders import (
    P99,
    latency_plan,
    open_plan,
    open_spec,
    open_trial,
    slo_result,
    slo_step,
)
from tests.loadtests.builders import make_cell, make_result, make_spec

PLAN = open_plan()
ALLOWED = 0.01


def at(rate_rps: float, late: int, window: int, **fields: object) -> OpenTrial:
    spec = open_spec(rate_rps=rate_rps, trial=make_spec(id=f"o{window}-{rate_rps:g}", round=window))
    return open_trial(spec=spec, late=late, **fields)


def searched(late_share: Callable[[float], float], capacity: float = 100.0) -> list[SloStep]:
    """Search where so many of 1000 requests of a rate are late; each repeat adds as many."""
    found = [slo_step(rate, round(1000 * late_share(rate))) for rate in (50.0, 70.0, 90.0)]
    for _ in range(10):
        rate = next_rate(found, capacity, ALLOWED)
        if rate is None:
            break
        again = next((step for step in found if step.rate_rps == rate), None)
        if again is not None:
            found.remove(again)
            found.append(
                replace(
                    again,
                    requests=2 * again.requests,
                    late=2 * again.late,
                    outcome="kept" if again.late < 10 else "broken",
                )
            )
        else:
            found.append(slo_step(rate, round(1000 * late_share(rate))))
    return found


@pytest.mark.parametrize("truth", [12.0, 52.0, 66.0, 81.0, 88.0, 97.0])
def test_a_search_ends_with_the_truth_between_rates_that_lie_close(truth: float) -> None:
    found = searched(lambda rate: 0.0 if rate <= truth else 0.1)

    low = max(step.rate_rps for step in found if step.outcome == "kept")
    high = min((step.rate_rps for step in found if step.outcome == "broken"), default=100.0)
    assert low <= truth <= high
    assert high - low <= NARROW_RATIO * high


def test_an_end_that_cannot_be_told_is_measured_again() -> None:
    found = [slo_step(80.0, 8), slo_step(85.0, 30)]

    assert next_rate(found, 100.0, ALLOWED) == 80.0


def test_a_search_whose_ends_are_told_is_over() -> None:
    assert next_rate([slo_step(80.0, 1), slo_step(85.0, 30)], 100.0, ALLOWED) is None


def test_above_its_capacity_nothing_is_tried() -> None:
    rate = next_rate([slo_step(90.0, 0)], 100.0, ALLOWED)

    assert rate == 95.0
    assert next_rate([slo_step(95.0, 0)], 100.0, ALLOWED) is None


def test_a_rate_that_gave_no_answer_is_not_asked_for_for_ever() -> None:
    invalid = slo_step(60.0, 0, requests=0, outcome="invalid")

    assert next_rate([slo_step(50.0, 0), slo_step(70.0, 90), invalid], 100.0, ALLOWED) is None


def test_windows_of_one_rate_are_one_step_with_an_interval() -> None:
    trials = [at(40.0, late, window) for window, late in enumerate((6, 7, 8), start=1)]

    (step,) = slo_search.steps_by_cell(PLAN, P99, trials)[make_cell()]

    assert (step.windows, step.requests, step.late) == (3, 480, 21)
    assert step.outcome == "broken"
    assert step.late_low_ratio is not None
    assert step.late_low_ratio > ALLOWED


def test_windows_that_disagree_cannot_tell() -> None:
    trials = [at(40.0, late, window) for window, late in enumerate((0, 0, 21), start=1)]

    (step,) = slo_search.steps_by_cell(PLAN, P99, trials)[make_cell()]

    assert step.outcome == "undecided"


def test_few_requests_are_no_proof_however_good() -> None:
    (few,) = slo_search.steps_by_cell(PLAN, P99, [at(20.0, 0, 1), at(20.0, 0, 2)])[make_cell()]
    (many,) = slo_search.steps_by_cell(PLAN, P99, [at(200.0, 0, 1), at(200.0, 0, 2)])[make_cell()]

    assert (few.outcome, many.outcome) == ("undecided", "kept")


def test_a_saturated_generator_breaks_no_objective() -> None:
    held = GeneratorHealth(cpu_ratio=0.05, lag_p99_ms=80.0, lag_max_ms=95.0)
    trials = [at(40.0, 100, window) for window in (1, 2, 3)]
    trials = [replace(t, measured=replace(t.measured, generator=held)) for t in trials]

    (step,) = slo_search.steps_by_cell(PLAN, P99, trials)[make_cell()]

    assert step.outcome == "invalid"
    assert "80 ms late" in step.reason


def test_a_step_has_windows_of_every_cell_with_other_replicas_in_random_order() -> None:
    known = {cell: 100.0 * cell.replicas for cell in PLAN.cells}
    found: dict[Cell, tuple[SloStep, ...]] = {
        cell: (slo_step(0.5 * known[cell], 0), slo_step(0.7 * known[cell], 90)) for cell in known
    }

    windows = slo_search.step_specs(PLAN, latency_plan(), P99, 1, found, known)

    assert len(windows) == 3
    for specs in windows:
        assert {s.trial.cell: s.rate_rps for s in specs} == {c: 0.6 * known[c] for c in known}
    alone = [s.trial.members for specs in windows for s in specs if s.trial.cell.replicas == 1]
    assert len(set(alone)) == 3
    following = slo_search.step_specs(PLAN, latency_plan(), P99, 2, found, known)
    names = [s.trial.id for step in (windows, following) for specs in step for s in specs]
    assert len(set(names)) == len(names) == 18


def test_a_step_without_a_cell_to_search_is_the_end() -> None:
    known = {make_cell(): 100.0}
    found = {make_cell(): (slo_step(80.0, 1), slo_step(85.0, 30))}

    assert slo_search.step_specs(PLAN, latency_plan(), P99, 1, found, known) == ()


def test_a_bracket_reaches_from_the_highest_kept_to_the_lowest_broken() -> None:
    trials = [
        at(rate, late, window)
        for rate, late in ((100.0, 0), (150.0, 6), (200.0, 40))
        for window in (1, 2, 3)
    ]

    found = slo_search.results(PLAN, make_result(PLAN).cells, trials)[0]

    assert (found.low_rps, found.high_rps) == (100.0, 200.0)
    assert found.estimate_rps == pytest.approx(np.sqrt(100 * 200))
    assert "1 in between are undecided" in found.decided
    assert found.objective == "p99=250ms"


def test_where_nothing_broke_it_the_capacity_is_the_upper_end() -> None:
    result = make_result(PLAN)
    trials = [at(40.0, 0, window) for window in range(1, 5)]

    found = slo_search.results(PLAN, result.cells, trials)[0]

    assert found.low_rps == 40.0
    assert found.high_rps == result.cells[0].throughput_rps.high
    assert "so the capacity is the upper end" in found.decided


def test_where_nothing_kept_it_there_is_no_estimate() -> None:
    trials = [at(40.0, 30, window) for window in range(1, 5)]

    found = slo_search.results(PLAN, make_result(PLAN).cells, trials)[0]

    assert (found.estimate_rps, found.low_rps, found.high_rps) == (None, 0.0, 40.0)
    assert "not even 40.0 requests/s" in found.decided


def test_a_cell_that_was_not_measured_has_no_bracket() -> None:
    found = slo_search.results(PLAN, make_result(PLAN).cells, [])

    assert [(each.low_rps, each.high_rps, each.decided) for each in found] == [
        (None, None, "No rate was measured.")
    ] * 3


def test_without_an_objective_there_is_nothing_to_say() -> None:
    plan = open_plan(None)

    assert slo_search.results(plan, make_result(plan).cells, []) == ()


@pytest.mark.parametrize(
    ("small", "large", "verdict"),
    [
        ((40.0, 41.0), (80.0, 82.0), "scales"),
        ((40.0, 42.0), (60.0, 63.0), "falls_short"),
        ((40.0, 42.0), (40.0, 42.0), "no_gain"),
        ((40.0, 45.0), (75.0, 85.0), "inconclusive"),
        ((0.0, 45.0), (75.0, 85.0), "inconclusive"),
        ((0.0, 40.0), (80.0, 85.0), "scales"),
        ((None, None), (75.0, 85.0), "inconclusive"),
    ],
)
def test_a_doubling_is_judged_by_the_ends_of_both_brackets(
    small: tuple[float | None, float | None], large: tuple[float, float], verdict: str
) -> None:
    (found,) = slo_search.doublings(PLAN, [slo_result(1, *small), slo_result(2, *large)])

    assert found.verdict == verdict


def test_the_ends_of_a_doubling_are_the_brackets_divided_crosswise() -> None:
    (found,) = slo_search.doublings(PLAN, [slo_result(1, 40.0, 50.0), slo_result(2, 80.0, 90.0)])

    assert (found.low, found.high) == (80 / 50, 90 / 40)
    assert str(found) == "gthread cpu 1→2"
