"""The loads that latency is measured under."""

from collections import Counter

from loadtests.planning.load_levels import level_rounds, plan_latency
from tests.loadtests.analysis.latency.builders import (
    P99,
    latency_plan,
    open_plan,
)
from tests.loadtests.builders import make_cell

PLAN = open_plan()
KNOWN = {cell: 50.0 * cell.replicas for cell in PLAN.cells}


def test_a_round_has_every_cell_at_every_share_once_at_that_part_of_its_capacity() -> None:
    rounds = level_rounds(PLAN, latency_plan(), KNOWN)

    assert rounds
    for specs in rounds:
        assert len(specs) == 9
        assert {(spec.trial.cell, spec.share_ratio, spec.rate_rps) for spec in specs} == {
            (cell, share, share * KNOWN[cell]) for cell in KNOWN for share in (0.5, 0.7, 0.9)
        }


def test_replicas_rotate_as_in_the_rounds_of_the_throughput() -> None:
    rounds = level_rounds(PLAN, latency_plan(), KNOWN)

    assert rounds
    for number, specs in enumerate(rounds):
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
