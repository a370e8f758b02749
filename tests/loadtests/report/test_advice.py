from loadtests.model import Bottleneck, Role, RuleCode, RuleState, TrialSpec
from loadtests.report import advice
from tests.loadtests.builders import (
    full_of,
    make_finding,
    make_plan,
    make_result,
    make_trial,
    make_trials,
    make_usage,
    noisy_rps,
)

PLAN = make_plan(replica_counts=(1, 2, 4))


def amdahl(spec: TrialSpec) -> float:
    return noisy_rps(spread=0.001)(spec) / (1 + 0.1 * (spec.cell.replicas - 1))


def test_an_invalid_run_says_only_what_to_do_about_its_rules() -> None:
    broken = make_finding(state=RuleState.BROKEN, code=RuleCode.HOST_CONTENTION)

    assert advice.next_steps(make_result(findings=(broken,))) == [
        "Something else used the machine: stop it, or run again when it is quiet."
    ]


def test_costs_are_told_for_a_cpu_and_a_gigabyte() -> None:
    # 50 requests/s by 0.098 CPU and 60 MiB
    plan = make_plan(replica_counts=(1,))

    steps = advice.next_steps(make_result(plan, make_trials(plan)))

    costs = "gthread 510 requests/s for each CPU and 795 requests/s for each GB"
    assert f"What cpu costs: {costs}." in steps


def test_the_replicas_for_twice_the_rate_follow_the_law() -> None:
    # λ·S(4) = 4/1.3; twice of it is reached where n/(1 + 0.1(n − 1)) ≥ 6.15, at 15 (14.4)
    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rps=amdahl)))

    assert any("gthread 15 replicas for 308 requests/s" in step for step in steps)


def test_a_rate_beyond_the_laws_bound_is_said_to_be_out_of_reach() -> None:
    assert advice.replicas_for(10.0, 101.0, sigma=0.1, kappa=0.0) is None
    assert advice.replicas_for(10.0, 62.0, sigma=0.1, kappa=0.0) == 15


def test_what_is_full_and_shared_stands_in_the_way() -> None:
    trials = make_trials(PLAN, **full_of(Bottleneck.STORE))

    steps = advice.next_steps(make_result(PLAN, trials))

    assert any(step.startswith("In the way of gthread on cpu: PostgreSQL used") for step in steps)


def test_the_proxy_that_fills_next_is_told_with_the_number_of_replicas() -> None:
    # 20 % of a core at 4 replicas is 85 % at 17
    proxy = make_usage(
        member="proxy", role=Role.PROXY, cpu_s=0.5, budget_cpus=None, throttled_ratio=None
    )
    trials = [
        make_trial(spec=spec, throughput_rps=50.0, usages=(make_usage(), proxy))
        for spec in PLAN.rounds[0]
    ]

    steps = advice.next_steps(make_result(PLAN, trials))

    assert any("the proxy would be full at about 17 of gthread on cpu" in step for step in steps)


def test_an_unsettled_doubling_comes_first_with_its_minutes() -> None:
    wide = noisy_rps(spread=0.2)

    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rps=wide)))

    assert steps[0].startswith("gthread cpu 1→2: About ")
    assert steps[0].endswith(" more minutes of rounds would settle it.")


def test_a_run_without_trials_gives_no_advice() -> None:
    assert advice.next_steps(make_result(PLAN, ())) == []
