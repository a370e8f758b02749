from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.rules.replica_share import replica_share
from loadtests.model.result import Finding
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import RequestDistribution, Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_spec, make_trial

HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


def answered(
    *counts: int, members: tuple[int, ...] | None = None, others: Mapping[str, int] | None = None
) -> Trial:
    members = members or tuple(range(1, len(counts) + 1))
    answers = {f"gthread-{member}": count for member, count in zip(members, counts, strict=True)}
    spec = make_spec(cell=make_cell(replicas=len(members)), members=members)
    return make_trial(spec=spec, answers={**answers, **(others or {})})


def share_of(*trials: Trial) -> Finding:
    return replica_share(make_plan(), trials[0].spec.cell, trials)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((100, 100), HOLDS),
        ((1000, 1001), HOLDS),
        ((110, 90), HOLDS),  # 10 %, and χ² = 2: by chance
        ((112, 88), HOLDS),  # 12 %, and χ² = 2.9: by chance
        ((28, 22, 23, 23, 24), HOLDS),  # 17 %, and χ² = 0.9
        ((5400, 4600), HOLDS),  # not by chance, but only 8 %
        ((410, 326), HOLDS),  # 11 %, χ² = 9.6, just below 10.83
        ((416, 324), BROKEN),  # 12 %, χ² = 11.4, just above
        ((5600, 4400), BROKEN),  # 12 %, χ² = 144
        ((200, 0), BROKEN),
        ((75, 75, 75, 25), BROKEN),
    ],
)
def test_shares_are_unequal_where_they_deviate_by_a_tenth_and_not_by_chance(
    counts: tuple[int, ...], state: RuleState
) -> None:
    assert share_of(answered(*counts)).state is state


def test_slow_applications_with_few_answers_do_not_break_it() -> None:
    found = share_of(answered(5, 3), answered(4, 5), answered(4, 3), answered(5, 3))

    assert found.state is HOLDS
    assert found.detail == (
        "The answers of gthread-1 deviate by +12.5% from an equal share"
        " (χ² = 1.3, 4 degrees of freedom). With so few answers that is chance."
    )


def test_shares_that_are_unequal_in_turns_do_not_cancel() -> None:
    found = share_of(*[answered(600, 400), answered(400, 600)] * 3)

    assert found.state is BROKEN
    assert found.detail.endswith("In 100% of the trials a share deviates by over 10%.")


@pytest.mark.parametrize(("equal", "state"), [(3, BROKEN), (4, HOLDS)])
def test_unequal_shares_in_a_quarter_of_the_trials_are_too_many(
    equal: int, state: RuleState
) -> None:
    assert share_of(*[answered(500, 500)] * equal, answered(650, 350)).state is state


@pytest.mark.parametrize(("unnamed", "state"), [(0, HOLDS), (1, BROKEN)])
def test_in_exact_turns_a_replica_may_be_slower_than_another_for_a_while(
    unnamed: int, state: RuleState
) -> None:
    """Requests pile up at one and then at the other, though both get as many."""
    turns = RequestDistribution(counts={"gthread-1": 500, "gthread-2": 500}, unnamed=unnamed)
    trials = [replace(answered(*counts), dealing=turns) for counts in [(600, 400), (400, 600)] * 3]

    assert share_of(*trials).state is state


def test_a_replica_that_is_slower_for_good_breaks_it_in_exact_turns_too() -> None:
    turns = RequestDistribution(counts={"gthread-1": 500, "gthread-2": 500})

    found = share_of(*[replace(answered(600, 400), dealing=turns)] * 6)

    assert found.state is BROKEN
    assert found.detail.endswith("(χ² = 240.0, 6 degrees of freedom).")


def test_fewer_than_one_fair_cell_in_a_thousand_breaks_it() -> None:
    draw = np.random.default_rng(1).multinomial(30, [0.25] * 4, size=(3000, 6))
    states = [share_of(*(answered(*map(int, counts)) for counts in cell)).state for cell in draw]

    assert states.count(BROKEN) <= 3


def test_the_replica_that_is_furthest_off_is_named() -> None:
    found = share_of(answered(300, 100))

    assert found.figure == 0.5
    assert "The answers of gthread-1 deviate by +50.0% from an equal share" in found.detail


def test_each_trial_has_its_own_replicas() -> None:
    trials = (answered(100, 100, members=(1, 2)), answered(900, 900, members=(3, 4)))

    assert share_of(*trials).state is HOLDS


def test_an_answer_from_a_replica_outside_the_cell_breaks_the_rule() -> None:
    found = share_of(answered(100, 100, others={"gthread-3": 1}))

    assert found.state is BROKEN
    assert "gthread-3 answered, but is not part of the cell" in found.detail


def test_one_replica_alone_has_all() -> None:
    assert share_of(answered(100)).state is HOLDS


def test_without_answers_there_is_nothing_to_check() -> None:
    assert share_of(answered(0, 0)).state is UNCHECKED


@pytest.mark.parametrize(
    ("counts", "unnamed", "state"),
    [
        ((500, 500), 0, HOLDS),
        ((500, 501), 0, HOLDS),
        ((500, 502), 0, BROKEN),  # 0.2 %: no chance, and no χ² would see it
        ((500, 502), 1, HOLDS),  # one is missing, of whom nobody knows
        ((500, 500, 0), 0, BROKEN),
        ((250, 250, 251, 250), 0, HOLDS),
    ],
)
def test_over_a_whole_trial_replicas_take_exact_turns(
    counts: tuple[int, ...], unnamed: int, state: RuleState
) -> None:
    by_name = {f"gthread-{number}": count for number, count in enumerate(counts, start=1)}
    trial = replace(
        answered(*(100 for _ in counts)),
        dealing=RequestDistribution(counts=by_name, unnamed=unnamed),
    )

    assert share_of(trial).state is state


def test_one_trial_out_of_turn_is_enough() -> None:
    odd = RequestDistribution(counts={"gthread-1": 300, "gthread-2": 100})
    trials = (*[answered(100, 100)] * 11, replace(answered(100, 100), dealing=odd))

    found = share_of(*trials)

    assert found.state is BROKEN
    assert "gthread-1 got 300 requests and gthread-2 got 100" in found.detail


def test_replicas_that_a_balancer_never_asks_are_named() -> None:
    target = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")
    trial = answered(200, 0)

    finding = replica_share(make_plan(tested=target), trial.spec.cell, [trial])

    assert finding.state is BROKEN
    assert "gthread-2 answered nothing, so connections stick to the others" in finding.detail
    assert "stick" not in share_of(trial).detail


def test_answers_that_name_no_replica_are_told_as_such() -> None:
    target = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")
    trial = replace(answered(200, 0), answers={}, dealing=None, usages=())

    finding = replica_share(make_plan(tested=target), trial.spec.cell, [trial])

    assert finding.detail.startswith("No answer names the replica that gave it.")
