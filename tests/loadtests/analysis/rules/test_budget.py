from dataclasses import replace

import pytest

from loadtests.analysis import estimates, verdict
from loadtests.analysis.rules import budget
from loadtests.model.plan import Plan
from loadtests.model.stack import DeploymentSeen
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleState, Verdict
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


def test_the_proxys_own_answers_for_a_dead_replica_are_not_its_work() -> None:
    dead = make_usage(cpu_s=0.0, completed=16_861, throttled_ratio=0.0)  # captured
    trials = [make_trial(failed=17_000, usages=(make_usage(member="gthread-2"), dead))]

    assert budget.budget(PLAN, TWO, trials).state is HOLDS


URL = Target(
    kind=TargetKind.URL,
    given="web",
    name="web",
    url="http://10.0.0.1:80",
    hooks=Hooks(counters=("./counters.sh",)),
)
DEPLOYED = make_plan(
    tested=URL, budget=make_budget(replica_cpus=None, replica_cores=(), service_cores=())
)


@pytest.mark.parametrize("usages", [(), (make_usage(),)])
def test_replicas_that_a_hook_did_not_count_are_named_and_not_called_late(
    usages: tuple[Usage, ...],
) -> None:
    left_out = "The hook 'counters' prints no line for web-2."
    trials = [make_trial(usages=usages, deployment=DeploymentSeen(uncounted=left_out))]

    assert budget.budget(DEPLOYED, TWO, trials).detail == left_out


def test_a_lean_server_at_a_url_is_no_wrong_clock() -> None:
    """A static nginx takes 10 µs a request, and our limit is for servers in Python."""
    lean = make_usage(cpu_s=0.1, completed=10_000, budget_cpus=None, throttled_ratio=None)

    assert budget.budget(DEPLOYED, TWO, [make_trial(usages=(lean,))]).state is UNCHECKED


def test_counters_without_any_reading_were_late() -> None:
    trials = [make_trial(usages=(), deployment=DeploymentSeen())]

    assert "took over 5 % of a window" in budget.budget(DEPLOYED, TWO, trials).detail


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


def test_costlier_requests_of_replicas_on_machines_of_their_own_count() -> None:
    """The system falls short then, and no machine is too small."""
    apart = make_budget(replica_cpus=1.0, replica_cores=(), replicas_apart=True)
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1200, 1201, 1199)

    found = budget.costlier_requests(make_plan(budget=apart), ONE, TWO, trials)

    assert found.state is HOLDS
    assert "no two share a core" in found.detail


def test_replicas_that_share_cores_of_several_machines_make_no_single_one_too_small() -> None:
    plan = make_plan(budget=make_budget(replica_cores=()))
    trials = rounds_of(1, 1000, 1001, 999) + rounds_of(2, 1200, 1201, 1199)

    found = budget.costlier_requests(plan, ONE, TWO, trials)

    assert found.state is BROKEN
    assert found.detail.endswith("which share cores. The cores are too few for a verdict.")


@pytest.mark.parametrize("trials", [[], rounds_of(1, 1000.0), rounds_of(2, 1000.0, 1001.0)])
def test_one_round_leaves_the_cost_of_requests_unchecked(trials: list[Trial]) -> None:
    assert budget.costlier_requests(PLAN, ONE, TWO, trials).state is UNCHECKED


def test_replicas_of_a_deployment_may_share_no_core_so_costlier_requests_are_not_judged() -> None:
    found = budget.costlier_requests(DEPLOYED, ONE, TWO, [using(0.1)])

    assert found.state is UNCHECKED
    assert "is not known" in found.detail


# -- replicas of a deployment that share a machine -----------------------------------------------


def deployed(
    factor: float, *nodes: str, limit: float | None = None, rounds: int = 3
) -> list[Trial]:
    """Give rounds of two and four replicas, the four on these nodes (none: not known)."""
    trials = []
    for number in range(1, rounds + 1):
        for replicas, rate in ((2, 100.0), (4, 100.0 * factor)):
            spec = make_spec(
                cell=make_cell(replicas=replicas), round=number, members=range(1, replicas + 1)
            )
            names = [f"gthread-{member}" for member in spec.members]
            trials.append(
                make_trial(
                    spec=spec,
                    throughput_rps=rate + number / 10,
                    usages=tuple(make_usage(member=name, budget_cpus=limit) for name in names),
                    deployment=DeploymentSeen(nodes=dict(zip(names, nodes, strict=False))),
                )
            )
    return trials


@pytest.mark.parametrize(
    ("trials", "state"),
    [
        (deployed(1.0, "a", "a", "a", "a"), BROKEN),  # two cores, and X(4) = X(2)
        (deployed(1.5, "a", "b", "c", "c"), BROKEN),
        (deployed(1.0, "a", "a", "a", "a", limit=0.5), UNCHECKED),  # the limits hold them
        (deployed(2.0, "a", "a", "a", "a"), UNCHECKED),  # it does not fall short
        (deployed(1.0), UNCHECKED),
        (deployed(1.0, "a", "b", "c"), UNCHECKED),  # the fourth may be anywhere
        (deployed(1.0, "a", "b", "c", "d"), HOLDS),
    ],
)
def test_replicas_without_limits_that_share_a_node_decide_no_doubling_that_falls_short(
    trials: list[Trial], state: RuleState
) -> None:
    found = budget.costlier_requests(DEPLOYED, TWO, FOUR, trials)

    assert found.state is state
    if state is BROKEN:
        assert "share the node" in found.detail
        assert "Give each replica a CPU limit" in found.detail


def test_one_unlucky_placement_of_six_rounds_is_covered() -> None:
    placed = deployed(1.0, "a", "b", "c", "d", rounds=6)
    placed[-1] = deployed(1.0, "a", "a", "c", "d", rounds=6)[-1]

    found = budget.costlier_requests(DEPLOYED, TWO, FOUR, placed)

    assert (found.state, found.detail) == (
        HOLDS,
        "Each replica was on a node of its own in 5 of 6 windows.",
    )


def test_replicas_without_limits_on_the_generators_machine_share_it() -> None:
    here = replace(DEPLOYED, tested=replace(URL, shares_machine=True))

    found = budget.costlier_requests(here, TWO, FOUR, deployed(1.0))

    assert found.state is BROKEN
    assert found.detail.startswith("The replicas share this machine, and no CPU limit of gthread-1")


def test_competing_replicas_are_no_answer_of_the_application() -> None:
    trials = deployed(1.0, "a", "a", "a", "a")
    plan = replace(DEPLOYED, replica_counts=(2, 4), cells=(TWO, FOUR))
    findings = [budget.costlier_requests(plan, TWO, FOUR, trials)]

    (doubling,) = estimates.doublings(plan, trials)
    judged = verdict.judge_doubling(doubling, target=plan.target, findings=findings)

    assert judged.verdict is Verdict.INVALID
