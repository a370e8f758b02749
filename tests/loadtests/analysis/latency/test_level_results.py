from dataclasses import replace

import numpy as np

from loadtests.analysis.latency import level_results
from loadtests.analysis.latency.level_results import capacities
from loadtests.analysis.latency.reduction import Waits
from loadtests.model.open_trial import OpenTrial
from loadtests.model.result import Estimate
from loadtests.model.trial import GeneratorHealth
from tests.loadtests.analysis.latency.builders import (
    open_plan,
    open_spec,
    open_trial,
)
from tests.loadtests.builders import make_plan, make_result, make_spec, make_trials

PLAN = open_plan()
KNOWN = {cell: 50.0 * cell.replicas for cell in PLAN.cells}


def fifty(_: OpenTrial) -> Waits:
    times = np.linspace(10.0, 110.0, 100)
    return Waits(response=times, service=times / 2)


def of_round(number: int, **fields: object) -> OpenTrial:
    spec = open_spec(trial=make_spec(id=f"l{number:02d}-01-gthread-cpu-1-50", round=number))
    return open_trial(spec=spec, **fields)


def test_a_capacity_is_that_of_the_closed_loop_and_none_where_nothing_succeeded() -> None:
    plan = make_plan(replica_counts=(1, 2))
    rates = {1: 50.0, 2: 0.0}
    trials = make_trials(plan, rps=lambda spec: rates[spec.cell.replicas])

    known = capacities(make_result(plan, trials).cells)

    assert list(known) == [plan.cells[0]]


def test_a_level_counts_all_requests_of_all_rounds() -> None:
    result = make_result(PLAN)
    trials = [of_round(number) for number in (1, 2, 3, 4)]

    (first, *_) = level_results.results(PLAN, result.cells, trials, fifty)

    half, *others = first.levels
    assert (half.state, half.rounds, half.requests) == ("valid", 4, 400)
    assert half.response.p50.ms is not None
    assert half.service.p50.ms == half.response.p50.ms / 2
    assert half.offered_rps == 25.0
    assert {each.state for each in others} == {"missing"}
    assert first.closed_p99_ms == result.cells[0].p99_ms


def test_a_saturated_generator_makes_its_level_invalid_and_no_other() -> None:
    health = GeneratorHealth(cpu_ratio=0.97, lag_p99_ms=60.0, lag_max_ms=90.0)
    sound, slow = of_round(1), of_round(2)
    slow = replace(slow, spec=replace(slow.spec, share_ratio=0.9, rate_rps=45.0))
    slow = replace(slow, due=180, offered_rps=45.0)
    slow = replace(slow, measured=replace(slow.measured, generator=health))

    found = level_results.results(PLAN, make_result(PLAN).cells, [sound, slow], fifty)[0].levels

    assert [each.state for each in found] == ["valid", "missing", "invalid"]
    assert "60 ms late" in found[2].reason


def test_trials_that_were_set_aside_do_not_count() -> None:
    aside = of_round(1)
    aside = replace(aside, measured=replace(aside.measured, set_aside="Other programs"))

    found = level_results.results(PLAN, make_result(PLAN).cells, [aside, of_round(1)], fifty)

    assert found[0].levels[0].rounds == 1


def test_without_its_samples_a_level_has_counts_and_no_percentiles() -> None:
    trials = [of_round(1), of_round(2)]

    found = level_results.results(PLAN, make_result(PLAN).cells, trials, lambda _: None)[0].levels[
        0
    ]

    assert found.requests == 200
    assert found.response.p99.ms is None
    assert "samples are missing" in found.reason


def test_a_run_that_did_not_ask_for_latency_has_none() -> None:
    plan = make_plan()

    assert level_results.results(plan, make_result(plan).cells, [], fifty) == ()


def test_a_cell_whose_capacity_is_not_known_is_still_listed() -> None:
    cells = [
        replace(each, throughput_rps=Estimate(estimate=None, low=None, high=None))
        for each in make_result(PLAN).cells
    ]

    found = level_results.results(PLAN, cells, [], fifty)

    assert [each.capacity_rps for each in found] == [None] * 3
    assert {level.state for each in found for level in each.levels} == {"missing"}
