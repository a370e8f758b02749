from dataclasses import replace

import pytest

from loadtests.analysis import losses
from loadtests.analysis.rules import budget
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleState, Verdict
from tests.loadtests.builders import (
    make_budget,
    make_cell,
    make_plan,
    make_result,
    make_spec,
    make_trial,
    make_usage,
)

PLAN = make_plan()
ONE, TWO, FOUR = (make_cell(replicas=count) for count in (1, 2, 4))
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


def using(cpus: float) -> Trial:
    return make_trial(usages=(make_usage(cpu_s=2.5 * cpus, span_s=2.5),))


@pytest.mark.parametrize(("cpus", "state"), [(0.137, HOLDS), (0.138, BROKEN)])
def test_the_replicas_use_half_of_their_cores_at_most(cpus: float, state: RuleState) -> None:
    """Four of them on one core, and a tenth more than half for the slices of the quota."""
    assert budget.budget(PLAN, FOUR, [using(cpus)]).state is state


@pytest.mark.parametrize(("cpus", "state"), [(0.249, HOLDS), (0.251, BROKEN)])
def test_without_budgets_the_replicas_fit_their_cores(cpus: float, state: RuleState) -> None:
    plan = make_plan(budget=make_budget(replica_cpus=None))

    assert budget.budget(plan, FOUR, [using(cpus)]).state is state


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

    assert budget.budget(PLAN, TWO, trials).state is HOLDS
    assert budget.budget(PLAN, TWO, always_short).state is BROKEN


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
def test_a_replica_that_is_throttled_below_its_budget_breaks_the_rule(
    trials: list[Trial], state: RuleState
) -> None:
    found = budget.budget(PLAN, TWO, trials)

    assert found.state is state
    if state is BROKEN:
        assert "gthread-1 was throttled at" in found.detail


@pytest.mark.parametrize(
    ("plan", "trial"),
    [
        (make_plan(budget=make_budget(replica_cores=())), using(0.1)),
        (PLAN, make_trial(usages=())),
        (PLAN, make_trial(usages=(make_usage(member="proxy", role=Role.PROXY),))),
    ],
)
def test_a_budget_is_unchecked_without_cores_or_counters(plan: Plan, trial: Trial) -> None:
    assert budget.budget(plan, FOUR, [trial]).state is UNCHECKED


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
def test_a_counter_that_cannot_be_true_makes_the_run_invalid(
    usage: Usage, state: RuleState
) -> None:
    """As captured when the clock of a core stood still: 0.0 CPU for all that was answered."""
    trials = [make_trial(), make_trial(usages=(make_usage(member="gthread-2"), usage))]

    found = budget.budget(PLAN, TWO, trials)

    assert found.state is state
    if state is BROKEN:
        assert "The kernel's clock was wrong" in found.detail


@pytest.mark.parametrize(
    ("us_per_answer", "state"), [(0.0, BROKEN), (1.0, BROKEN), (12.0, HOLDS), (200.0, HOLDS)]
)
def test_what_an_image_starts_itself_may_be_leaner_than_any_python(
    us_per_answer: float, state: RuleState
) -> None:
    plan = replace(PLAN, workers=(replace(PLAN.workers[0], as_started=True),))
    usage = make_usage(cpu_s=130e-6 * us_per_answer, completed=130, throttled_ratio=0.0)

    assert budget.budget(plan, TWO, [make_trial(usages=(usage,))]).state is state


def test_the_proxys_own_answers_for_a_dead_replica_are_not_its_work() -> None:
    dead = make_usage(cpu_s=0.0, completed=16_861, throttled_ratio=0.0)  # captured
    trials = [make_trial(failed=17_000, usages=(make_usage(member="gthread-2"), dead))]

    assert budget.budget(PLAN, TWO, trials).state is HOLDS


# -- requests that cost more CPU ---------------------------------------------------------------


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
        ((900, 1100, 1250), HOLDS),  # costlier on average, but it may be chance
        ((800, 801, 799), HOLDS),
    ],
)
def test_requests_that_cost_more_on_shared_cores_make_the_run_invalid(
    after: tuple[float, ...], state: RuleState
) -> None:
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, *after)

    assert budget.costlier_requests(PLAN, ONE, TWO, trials).state is state


@pytest.mark.parametrize(("doubled", "state"), [(2.0, HOLDS), (1.79, HOLDS), (1.6, BROKEN)])
def test_a_hardly_certain_growth_counts_where_the_doubling_falls_short(
    doubled: float, state: RuleState
) -> None:
    """6 % [1, 12] costlier: the loss of the last doubling may come from the machine alone."""
    small = [replace(trial, throughput_rps=100.0) for trial in rounds_of(1, 1000, 1001, 999)]
    rates = (100 * doubled * 1.01, 100 * doubled, 100 * doubled * 0.99)
    large = [
        replace(trial, throughput_rps=rate)
        for trial, rate in zip(rounds_of(2, 1040, 1085, 1062), rates, strict=True)
    ]

    found = budget.costlier_requests(PLAN, ONE, TWO, small + large)

    assert found.figure == pytest.approx(0.062, abs=0.01)
    assert found.state is state


def test_costlier_requests_do_not_matter_where_cpu_is_not_saturated() -> None:
    trials = rounds_of(1, 1000, 1001, 999, full=False) + rounds_of(2, 1200, 1201, 1199, full=False)

    found = budget.costlier_requests(PLAN, ONE, TWO, trials)

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.2, abs=0.02)


def test_an_idle_replica_beside_a_saturated_one_does_not_raise_the_cost() -> None:
    """Captured, weights of 3 to 1: 35 requests for 0.100 s of CPU, and 11 for 0.036 s."""
    small = rounds_of(1, 2860, 2870, 2850)
    busy = rounds_of(2, 2860, 2870, 2850)
    idle = make_usage(member="gthread-2", cpu_s=0.0904, throttled_ratio=0.0, completed=27)
    large = [replace(trial, usages=(trial.usages[0], idle)) for trial in busy]

    found = budget.costlier_requests(PLAN, ONE, TWO, small + large)

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.0, abs=0.01)


def test_with_a_core_for_each_replica_costlier_requests_are_the_systems_own() -> None:
    plan = make_plan(budget=make_budget(replica_cores=(2, 3)))
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1200, 1201, 1199)

    assert budget.costlier_requests(plan, ONE, TWO, trials).state is HOLDS


def test_replicas_on_siblings_share_a_core() -> None:
    plan = make_plan(budget=make_budget(replica_cores=(2, 3), physical_cores=1))
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1150, 1151, 1149)

    found = budget.costlier_requests(plan, ONE, TWO, trials)

    assert found.state is BROKEN
    assert "which share cores" in found.detail


def test_costlier_requests_of_replicas_on_machines_of_their_own_count() -> None:
    """The system falls short then, and no machine is too small."""
    apart = make_budget(replica_cpus=1.0, replica_cores=(), replicas_apart=True)
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1200, 1201, 1199)

    found = budget.costlier_requests(make_plan(budget=apart), ONE, TWO, trials)

    assert found.state is HOLDS
    assert "no two share a core" in found.detail


def at_rates(trials: list[Trial], *rates: float) -> list[Trial]:
    return [replace(trial, throughput_rps=rate) for trial, rate in zip(trials, rates, strict=True)]


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ((1500, 1520, 1480), HOLDS),  # an optimistic lock's retries
        ((1200, 1201, 1199), HOLDS),
        ((1180, 1181, 1179), BROKEN),  # as much was seen where nothing but cores was shared
        ((1200, 1260, 1230), BROKEN),  # more on average, but it may be chance
    ],
)
def test_what_grows_dearer_than_shared_cores_ever_made_it_is_the_systems_own(
    after: tuple[float, ...], state: RuleState
) -> None:
    small = at_rates(rounds_of(1, 1000, 1001, 999), 100.0, 101.0, 99.0)
    large = at_rates(rounds_of(2, *after), *(2e5 / cost for cost in after))

    found = budget.costlier_requests(PLAN, ONE, TWO, small + large)

    assert found.state is state
    assert ("The system itself grows dearer" in found.detail) is (state is HOLDS)
    assert ("too small for a verdict" in found.detail) is (state is BROKEN)


@pytest.mark.parametrize(("spread", "state"), [(True, HOLDS), (None, HOLDS), (False, BROKEN)])
def test_where_cpu_periods_may_begin_together_nothing_is_the_systems_own(
    spread: bool | None, state: RuleState
) -> None:
    small = at_rates(rounds_of(1, 1000, 1001, 999), 100.0, 101.0, 99.0)
    large = at_rates(rounds_of(2, 1500, 1501, 1499), 133.0, 134.0, 132.0)
    plan = replace(PLAN, budget=replace(PLAN.budget, periods_spread=spread))

    found = budget.costlier_requests(plan, ONE, TWO, small + large)

    assert found.state is state
    assert ("Run Twofold as root" in found.detail) is (state is BROKEN)


def test_the_loss_of_a_system_that_grows_dearer_is_told_as_cpu_per_request() -> None:
    plan = make_plan(replica_counts=(1, 2), budget=make_budget(replica_cpus=0.1))
    small = at_rates(rounds_of(1, 1000, 1001, 999), 100.0, 101.0, 99.0)
    large = at_rates(rounds_of(2, 1500, 1505, 1495), 133.0, 134.0, 132.0)
    finding = budget.costlier_requests(plan, ONE, TWO, small + large)

    result = make_result(plan, small + large, findings=(finding,))

    assert result.verdict is Verdict.FALLS_SHORT
    (doubling,) = result.doublings
    assert "CPU per request changed by +50% from 1 to 2 replicas." in doubling.reason
    assert losses.split(doubling, result.cells)[0].what == losses.CPU_PER_REQUEST


def test_a_doubling_that_scales_although_requests_grew_dearer_stays_without_a_verdict() -> None:
    small = at_rates(rounds_of(1, 1000, 1001, 999), 100.0, 101.0, 99.0)
    large = at_rates(rounds_of(2, 1500, 1501, 1499), 200.0, 202.0, 198.0)

    assert budget.costlier_requests(PLAN, ONE, TWO, small + large).state is BROKEN


def test_replicas_that_share_cores_of_several_machines_make_no_single_one_too_small() -> None:
    plan = make_plan(budget=make_budget(replica_cores=()))
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1150, 1151, 1149)

    found = budget.costlier_requests(plan, ONE, TWO, trials)

    assert found.state is BROKEN
    assert found.detail.endswith("which share cores. The cores are too few for a verdict.")


@pytest.mark.parametrize("trials", [[], rounds_of(1, 1000.0), rounds_of(2, 1000.0, 1001.0)])
def test_one_round_leaves_the_cost_of_requests_unchecked(trials: list[Trial]) -> None:
    assert budget.costlier_requests(PLAN, ONE, TWO, trials).state is UNCHECKED
