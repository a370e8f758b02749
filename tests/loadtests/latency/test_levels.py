from collections import Counter
from dataclasses import replace

import numpy as np

from loadtests.latency import levels
from loadtests.latency.levels import capacities, level_rounds, plan_latency
from loadtests.latency.reduction import Waits
from loadtests.latency.trial import OpenTrial
from loadtests.model import Estimate, GeneratorHealth
from tests.loadtests.builders import make_cell, make_plan, make_result, make_spec, make_trials
from tests.loadtests.latency.builders import P99, latency_plan, open_plan, open_spec, open_trial

PLAN = open_plan()
KNOWN = {cell: 50.0 * cell.replicas for cell in PLAN.cells}


def fifty(_: OpenTrial) -> Waits:
    times = np.linspace(10.0, 110.0, 100)
    return Waits(response=times, service=times / 2)


def of_round(number: int, **fields: object) -> OpenTrial:
    spec = open_spec(trial=make_spec(id=f"l{number:02d}-01-gthread-cpu-1-50", round=number))
    return open_trial(spec=spec, **fields)


def test_a_round_has_every_cell_at_every_share_once_at_that_part_of_its_capacity() -> None:
    for specs in level_rounds(PLAN, latency_plan(), KNOWN):
        assert len(specs) == 9
        assert {(spec.trial.cell, spec.share_ratio, spec.rate_rps) for spec in specs} == {
            (cell, share, share * KNOWN[cell]) for cell in KNOWN for share in (0.5, 0.7, 0.9)
        }


def test_replicas_rotate_as_in_the_rounds_of_the_throughput() -> None:
    for number, specs in enumerate(level_rounds(PLAN, latency_plan(), KNOWN)):
        closed = {spec.cell: (spec.members, spec.port) for spec in PLAN.rounds[number]}
        for spec in specs:
            assert (spec.trial.members, spec.trial.port) == closed[spec.trial.cell]


def test_the_order_is_random_and_the_seed_repeats_it() -> None:
    first, second, *_ = level_rounds(PLAN, latency_plan(), KNOWN)

    assert [(s.trial.cell, s.share_ratio) for s in first] != [
        (s.trial.cell, s.share_ratio) for s in second
    ]
    assert level_rounds(PLAN, latency_plan(), KNOWN)[0] == first
    other = level_rounds(open_plan(seed=2), latency_plan(), KNOWN)[0]
    assert [spec.seed for spec in other] != [spec.seed for spec in first]


def test_every_trial_has_a_name_and_arrivals_of_its_own() -> None:
    specs = [spec for each in level_rounds(PLAN, latency_plan(), KNOWN) for spec in each]

    assert max(Counter(spec.trial.id for spec in specs).values()) == 1
    assert max(Counter(spec.seed for spec in specs).values()) == 1


def test_a_cell_without_a_capacity_is_not_loaded() -> None:
    known = {make_cell(): 50.0}

    assert {spec.trial.cell for spec in level_rounds(PLAN, latency_plan(), known)[0]} == set(known)


def test_as_many_may_be_in_flight_as_come_in_a_trial_within_what_the_stack_takes() -> None:
    rates = {make_cell(): 2.0, make_cell(replicas=2): 100.0, make_cell(replicas=4): 90_000.0}

    found = level_rounds(PLAN, latency_plan(), rates)[0]

    by_cell = {s.trial.cell.replicas: s.max_in_flight for s in found if s.share_ratio == 0.5}
    assert by_cell == {1: 64, 2: 250, 4: 2000}


def test_the_plan_says_how_long_it_takes() -> None:
    plain, sought = (plan_latency(each, cells=3, quick=False) for each in (None, P99))

    assert plain.expected_s == 3 * 3 * 4 * 5.5
    assert plain.steps_max == 0
    assert sought.expected_s == plain.expected_s + 3 * 5 * 3 * 5.5
    assert plan_latency(P99, cells=3, quick=True).expected_s < plain.expected_s


def test_a_capacity_is_that_of_the_closed_loop_and_none_where_nothing_succeeded() -> None:
    plan = make_plan(replica_counts=(1, 2))
    rates = {1: 50.0, 2: 0.0}
    trials = make_trials(plan, rps=lambda spec: rates[spec.cell.replicas])

    known = capacities(make_result(plan, trials).cells)

    assert list(known) == [plan.cells[0]]


def test_a_level_counts_all_requests_of_all_rounds() -> None:
    result = make_result(PLAN)
    trials = [of_round(number) for number in (1, 2, 3, 4)]

    (first, *_) = levels.results(PLAN, result.cells, trials, fifty)

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

    found = levels.results(PLAN, make_result(PLAN).cells, [sound, slow], fifty)[0].levels

    assert [each.state for each in found] == ["valid", "missing", "invalid"]
    assert "60 ms late" in found[2].reason


def test_trials_that_were_set_aside_do_not_count() -> None:
    aside = of_round(1)
    aside = replace(aside, measured=replace(aside.measured, set_aside="Other programs"))

    found = levels.results(PLAN, make_result(PLAN).cells, [aside, of_round(1)], fifty)

    assert found[0].levels[0].rounds == 1


def test_without_its_samples_a_level_has_counts_and_no_percentiles() -> None:
    trials = [of_round(1), of_round(2)]

    found = levels.results(PLAN, make_result(PLAN).cells, trials, lambda _: None)[0].levels[0]

    assert found.requests == 200
    assert found.response.p99.ms is None
    assert "samples are not there" in found.reason


def test_a_run_that_did_not_ask_for_latency_has_none() -> None:
    plan = make_plan()

    assert levels.results(plan, make_result(plan).cells, [], fifty) == ()


def test_a_cell_whose_capacity_is_not_known_is_still_listed() -> None:
    cells = [
        replace(each, throughput_rps=Estimate(estimate=None, low=None, high=None))
        for each in make_result(PLAN).cells
    ]

    found = levels.results(PLAN, cells, [], fifty)

    assert [each.capacity_rps for each in found] == [None] * 3
    assert {level.state for each in found for level in each.levels} == {"missing"}
