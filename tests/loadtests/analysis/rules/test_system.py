from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.rules import system
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import HostUse, RequestDistribution, Trial, Usage
from loadtests.model.vocabulary import Role, RuleState
from tests.loadtests.builders import (
    make_budget,
    make_cell,
    make_plan,
    make_spec,
    make_trial,
    make_usage,
)

PLAN = make_plan()
ONE, TWO, FOUR = (make_cell(replicas=count) for count in (1, 2, 4))
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


# -- replica_share -----------------------------------------------------------------------------


def answered(
    *counts: int, members: tuple[int, ...] | None = None, others: Mapping[str, int] | None = None
) -> Trial:
    members = members or tuple(range(1, len(counts) + 1))
    answers = {f"gthread-{member}": count for member, count in zip(members, counts, strict=True)}
    spec = make_spec(cell=make_cell(replicas=len(members)), members=members)
    return make_trial(spec=spec, answers={**answers, **(others or {})})


def share_of(*trials: Trial) -> Finding:
    return system.replica_share(PLAN, trials[0].spec.cell, trials)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((100, 100), HOLDS),
        ((1000, 1001), HOLDS),
        ((110, 90), HOLDS),  # 10 %, and χ² = 2: by chance
        ((112, 88), BROKEN),  # more than 10 %
        ((5200, 4800), BROKEN),  # 4 %, but not by chance: χ² = 16
        ((5160, 4840), HOLDS),  # χ² = 10.2, just below 10.83
        ((5166, 4834), BROKEN),  # χ² = 11.02, just above
        ((200, 0), BROKEN),
        ((75, 75, 75, 25), BROKEN),
    ],
)
def test_shares_are_equal_within_a_tenth_and_within_chance(
    counts: tuple[int, ...], state: RuleState
) -> None:
    assert share_of(answered(*counts)).state is state


def test_the_replica_that_is_furthest_off_is_named() -> None:
    found = share_of(answered(300, 100))

    assert found.figure == 0.5
    assert "gthread-1 answered +50.0% against an equal share" in found.detail


def test_each_trial_has_its_own_replicas() -> None:
    trials = (answered(100, 100, members=(1, 2)), answered(900, 900, members=(3, 4)))

    assert share_of(*trials).state is HOLDS


def test_an_answer_from_a_replica_outside_the_cell_is_told() -> None:
    found = share_of(answered(100, 100, others={"gthread-3": 1}))

    assert found.state is BROKEN
    assert "gthread-3 answered and is not of the cell" in found.detail


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
    assert "gthread-1 got 300 requests and gthread-2 100" in found.detail


# -- idle_cost ---------------------------------------------------------------------------------


def idle(cpu_s: float, member: str = "sync-1") -> Usage:
    return make_usage(member=member, cpu_s=cpu_s, span_s=2.5, budget_cpus=0.1)


@pytest.mark.parametrize(("cpu_s", "state"), [(0.0049, HOLDS), (0.0051, BROKEN)])
def test_who_is_not_measured_uses_less_than_a_fiftieth_of_its_budget(
    cpu_s: float, state: RuleState
) -> None:
    found = system.idle_cost(PLAN, ONE, [make_trial(idle_usages=(idle(cpu_s),))])

    assert found.state is state
    assert found.figure == pytest.approx(cpu_s / 2.5 / 0.1)


def test_the_idle_replica_that_uses_most_is_named() -> None:
    usages = (idle(0.001), idle(0.02, "gevent-2"))

    assert "gevent-2" in system.idle_cost(PLAN, ONE, [make_trial(idle_usages=usages)]).detail


def test_one_burst_of_an_idle_replica_is_weighed_over_all_windows() -> None:
    trials = [make_trial(idle_usages=(idle(cpu_s),)) for cpu_s in (0.02, *[0.0] * 9)]

    assert system.idle_cost(PLAN, ONE, trials).state is HOLDS


def test_without_a_budget_a_whole_core_is_meant() -> None:
    plan = make_plan(budget=make_budget(replica_cpus=None))

    found = system.idle_cost(plan, ONE, [make_trial(idle_usages=(idle(0.025),))])

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.01)


@pytest.mark.parametrize("usages", [(), (make_usage(span_s=0.0),)])
def test_idle_replicas_that_cannot_be_read_are_unchecked(usages: tuple[Usage, ...]) -> None:
    assert system.idle_cost(PLAN, ONE, [make_trial(idle_usages=usages)]).state is UNCHECKED


# -- budget ------------------------------------------------------------------------------------


def using(cpus: float) -> Trial:
    return make_trial(usages=(make_usage(cpu_s=2.5 * cpus, span_s=2.5),))


@pytest.mark.parametrize(("cpus", "state"), [(0.137, HOLDS), (0.138, BROKEN)])
def test_the_replicas_use_half_of_their_cores_at_most(cpus: float, state: RuleState) -> None:
    """Four of them on one core, and a tenth more than half for the slices of the quota."""
    assert system.budget(PLAN, FOUR, [using(cpus)]).state is state


@pytest.mark.parametrize(("cpus", "state"), [(0.249, HOLDS), (0.251, BROKEN)])
def test_without_budgets_the_replicas_fit_their_cores(cpus: float, state: RuleState) -> None:
    plan = make_plan(budget=make_budget(replica_cpus=None))

    assert system.budget(plan, FOUR, [using(cpus)]).state is state


def test_one_hiccup_of_a_replica_that_is_in_few_of_the_windows_is_covered() -> None:
    """As captured: four rounds of two of four replicas, each in two of them."""
    captured = ((0.102, 0.102), (0.101, 0.102), (0.093, 0.095), (0.103, 0.090))
    pairs = ((2, 3), (1, 4), (1, 2), (3, 4))
    trials = [
        make_trial(
            usages=tuple(
                make_usage(
                    member=f"sync-{number}",
                    cpu_s=cpus,
                    span_s=1.0,
                    budget_cpus=0.1,
                    throttled_ratio=1.0,
                )
                for number, cpus in zip(pair, used, strict=True)
            )
        )
        for pair, used in zip(pairs, captured, strict=True)
    ]
    always_short = [
        replace(
            trial,
            usages=tuple(
                replace(usage, cpu_s=0.05) if usage.member == "sync-4" else usage
                for usage in trial.usages
            ),
        )
        for trial in trials
    ]

    assert system.budget(PLAN, TWO, trials).state is HOLDS
    assert system.budget(PLAN, TWO, always_short).state is BROKEN


def held_with(*ratios: float, throttled: float = 1.0) -> list[Trial]:
    """Give a trial for each part of its budget that the first of two replicas got."""
    return [
        make_trial(
            usages=(
                make_usage(member="gthread-1", cpu_s=0.25 * ratio, throttled_ratio=throttled),
                make_usage(member="gthread-2", cpu_s=0.12, throttled_ratio=0.0),
            )
        )
        for ratio in ratios
    ]


@pytest.mark.parametrize(
    ("trials", "state"),
    [
        (held_with(1.0, 0.98), HOLDS),
        (held_with(0.91), HOLDS),
        (held_with(0.89), BROKEN),
        (held_with(0.5, 0.5, 0.5, 0.5), BROKEN),
        (held_with(0.5, throttled=0.2), HOLDS),  # it did not want more
        (held_with(*[1.0] * 9, *[0.5] * 3), HOLDS),  # the interval covers that
        (held_with(*[1.0] * 8, *[0.5] * 4), BROKEN),
    ],
)
def test_a_replica_that_is_held_below_its_budget_is_told(
    trials: list[Trial], state: RuleState
) -> None:
    found = system.budget(PLAN, TWO, trials)

    assert found.state is state
    if state is BROKEN:
        assert "gthread-1 was held back with" in found.detail


@pytest.mark.parametrize(
    ("plan", "trial"),
    [
        (make_plan(budget=make_budget(replica_cores=())), using(0.1)),
        (PLAN, make_trial(usages=())),
        (PLAN, make_trial(usages=(make_usage(member="proxy", role=Role.PROXY),))),
    ],
)
def test_a_budget_is_unchecked_without_cores_or_counters(plan: Plan, trial: Trial) -> None:
    assert system.budget(plan, FOUR, [trial]).state is UNCHECKED


@pytest.mark.parametrize(
    ("usage", "state"),
    [
        (make_usage(cpu_s=0.0, completed=130, throttled_ratio=0.0), BROKEN),  # captured
        (make_usage(cpu_s=0.0025, completed=130, throttled_ratio=0.0), BROKEN),
        (make_usage(cpu_s=0.0027, completed=130, throttled_ratio=0.0), HOLDS),
        (make_usage(cpu_s=0.0, completed=0, throttled_ratio=0.0), HOLDS),  # it was not asked
        (make_usage(member="store", role=Role.STORE, cpu_s=11.239 * 2.5, completed=None), BROKEN),
        (make_usage(member="store", role=Role.STORE, cpu_s=0.2 * 2.5, completed=None), HOLDS),
    ],
)
def test_a_counter_that_cannot_be_true_takes_the_verdict_away(
    usage: Usage, state: RuleState
) -> None:
    """As captured when the clock of a core stood still: 0.0 CPU for all that was answered."""
    trials = [make_trial(), make_trial(usages=(make_usage(member="gthread-2"), usage))]

    found = system.budget(PLAN, TWO, trials)

    assert found.state is state
    if state is BROKEN:
        assert "the kernel's clock was wrong" in found.detail


def test_what_the_proxy_answered_for_a_replica_that_was_gone_is_no_work_of_its() -> None:
    dead = make_usage(cpu_s=0.0, completed=16_861, throttled_ratio=0.0)  # captured
    trials = [make_trial(failed=17_000, usages=(make_usage(member="gthread-2"), dead))]

    assert system.budget(PLAN, TWO, trials).state is HOLDS


# -- budget: requests that grow dearer ---------------------------------------------------------


def rounds_of(replicas: int, *us_per_request: float, full: bool = True) -> list[Trial]:
    """Give a trial a round in which a request took so much CPU."""
    trials = []
    for number, cost in enumerate(us_per_request, start=1):
        spec = make_spec(cell=make_cell(replicas=replicas), round=number)
        usages = tuple(
            make_usage(
                member=f"gthread-{member}",
                cpu_s=0.245 if full else 0.1,
                throttled_ratio=0.9 if full else 0.0,
                completed=round((0.245 if full else 0.1) / cost * 1e6),
            )
            for member in spec.members
        )
        trials.append(make_trial(spec=spec, usages=usages))
    return trials


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ((1000, 1010, 990), HOLDS),
        ((1040, 1042, 1038), HOLDS),
        ((1060, 1062, 1058), BROKEN),
        ((900, 1100, 1250), HOLDS),  # dearer in the mean, but it may be chance
        ((800, 801, 799), HOLDS),
    ],
)
def test_requests_that_grow_dearer_on_shared_cores_take_the_verdict_away(
    after: tuple[float, ...], state: RuleState
) -> None:
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, *after)

    assert system.dearer(PLAN, ONE, TWO, trials).state is state


@pytest.mark.parametrize(("doubled", "state"), [(2.0, HOLDS), (1.79, HOLDS), (1.6, BROKEN)])
def test_a_growth_that_is_hardly_beyond_doubt_counts_where_the_doubling_falls_short(
    doubled: float, state: RuleState
) -> None:
    """6 % [1, 12] dearer, which leaves the loss of the last one to the machine or to the system."""
    small = [replace(trial, throughput_rps=100.0) for trial in rounds_of(1, 1000, 1001, 999)]
    rates = (100 * doubled * 1.01, 100 * doubled, 100 * doubled * 0.99)
    large = [
        replace(trial, throughput_rps=rate)
        for trial, rate in zip(rounds_of(2, 1040, 1085, 1062), rates, strict=True)
    ]

    found = system.dearer(PLAN, ONE, TWO, small + large)

    assert found.figure == pytest.approx(0.062, abs=0.01)
    assert found.state is state


def test_dearer_requests_do_not_matter_where_cpu_is_not_full() -> None:
    trials = rounds_of(1, 1000, 1001, 999, full=False) + rounds_of(2, 1200, 1201, 1199, full=False)

    found = system.dearer(PLAN, ONE, TWO, trials)

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.2, abs=0.02)


def test_a_replica_that_is_idle_beside_a_full_one_does_not_make_requests_dearer() -> None:
    """Captured, weights of 3 to 1: 35 requests for 0.100 s of CPU, and 11 for 0.036 s."""
    small = rounds_of(1, 2860, 2870, 2850)
    busy = rounds_of(2, 2860, 2870, 2850)
    idle = make_usage(member="gthread-2", cpu_s=0.0904, throttled_ratio=0.0, completed=27)
    large = [replace(trial, usages=(trial.usages[0], idle)) for trial in busy]

    found = system.dearer(PLAN, ONE, TWO, small + large)

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.0, abs=0.01)


def test_with_a_core_each_dearer_requests_are_the_systems_own() -> None:
    plan = make_plan(budget=make_budget(replica_cores=(2, 3)))
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1200, 1201, 1199)

    assert system.dearer(plan, ONE, TWO, trials).state is HOLDS


@pytest.mark.parametrize("trials", [[], rounds_of(1, 1000.0), rounds_of(2, 1000.0, 1001.0)])
def test_one_round_does_not_tell_whether_requests_grow_dearer(trials: list[Trial]) -> None:
    assert system.dearer(PLAN, ONE, TWO, trials).state is UNCHECKED


# -- host_contention ---------------------------------------------------------------------------


def disturbed_by(foreign: float, steal: float) -> Trial:
    return make_trial(host=HostUse(foreign_ratio=foreign, steal_ratio=steal))


@pytest.mark.parametrize(
    ("foreign", "steal", "state", "who"),
    [
        (0.049, 0.049, HOLDS, "Other programs"),
        (0.05, 0.0, BROKEN, "Other programs took 5.0%"),
        (0.0, 0.06, BROKEN, "The host took 6.0%"),
    ],
)
def test_others_take_less_than_a_twentieth_of_the_cores(
    foreign: float, steal: float, state: RuleState, who: str
) -> None:
    trial = disturbed_by(foreign, steal)

    found = system.host_contention(PLAN, ONE, [trial])

    assert found.state is state
    assert who in found.detail
    assert bool(system.disturbed(trial)) is (state is BROKEN)


def test_a_window_in_which_the_generator_lost_a_process_counts_or_it_would_not_be_told() -> None:
    trial = disturbed_by(0.08, 0.0)
    lost = replace(trial, generator=replace(trial.generator, lost_workers=1))

    assert system.disturbed(trial)
    assert system.disturbed(lost) is None


def test_contention_is_the_mean_over_the_windows_that_are_known() -> None:
    trials = [disturbed_by(0.08, 0.0), disturbed_by(0.0, 0.0), make_trial(host=None)]

    assert system.host_contention(PLAN, ONE, trials).figure == pytest.approx(0.04)


def test_a_machine_that_cannot_be_read_is_unchecked_and_not_disturbed() -> None:
    trial = make_trial(host=None)

    assert system.host_contention(PLAN, ONE, [trial]).state is UNCHECKED
    assert system.disturbed(trial) is None


def test_every_finding_is_of_the_cell_that_was_asked_about() -> None:
    trial: Trial = replace(answered(100, 100), idle_usages=(idle(0.0),))
    rules: tuple[Any, ...] = (
        system.replica_share,
        system.idle_cost,
        system.budget,
        system.host_contention,
    )

    assert {rule(PLAN, TWO, [trial]).cell for rule in rules} == {TWO}
