from dataclasses import replace

import pytest

from loadtests.model.consistency import ProbeState
from loadtests.model.plan import TrialSpec
from loadtests.model.vocabulary import Bottleneck, Role, RuleCode, RuleState
from loadtests.report.text import advice
from tests.loadtests.bottleneck_builders import saturating
from tests.loadtests.builders import (
    make_facts,
    make_finding,
    make_machine,
    make_plan,
    make_probe,
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
        "Something else used the machine. Stop it, or run again when the machine is idle."
    ]


def test_costs_are_told_for_a_cpu_and_a_gigabyte() -> None:
    # 50 requests/s by 0.098 CPU and 60 MiB
    plan = make_plan(replica_counts=(1,))

    steps = advice.next_steps(make_result(plan, make_trials(plan)))

    costs = "gthread 510 requests/s per core and 795 requests/s per GB of memory"
    assert f"Throughput per resource on cpu at 1 replica: {costs}." in steps


def test_the_replicas_for_twice_the_rate_follow_the_law_with_their_bounds() -> None:
    # n/(1 + 0.1(n − 1)) must be twice S(4) = 4/1.3: 14.4, so 15
    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rps=amdahl)))

    (plan,) = (step for step in steps if step.startswith("Twice the throughput"))
    assert plan.startswith(
        "Twice the throughput on cpu, extrapolated by the fitted law with replicas of 0.1 CPU:"
        " gthread needs 15 replicas"
    )
    assert plan.endswith(" for 308 requests/s.")


def test_twice_the_rate_is_said_to_be_out_of_reach_where_the_law_ends_before() -> None:
    def flat(spec: TrialSpec) -> float:
        return noisy_rps(spread=0.001)(spec) / (1 + 0.6 * (spec.cell.replicas - 1))

    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rps=flat)))

    assert any("gthread cannot reach 143 requests/s with any" in step for step in steps)


def test_a_loss_that_may_be_the_shared_cores_needs_no_number_of_replicas() -> None:
    result = make_result(PLAN, make_trials(PLAN, rps=noisy_rps(spread=0.001)))
    laws = tuple(replace(law, extrapolates=False) for law in result.laws)

    steps = advice.next_steps(replace(result, laws=laws))

    assert not any(step.startswith("Twice the throughput") for step in steps)
    assert any(step.startswith("No extrapolation of gthread on cpu: CPU per") for step in steps)


def test_one_round_is_not_extrapolated() -> None:
    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rounds=1)))

    assert not any(step.startswith("Twice the throughput") for step in steps)


def test_what_is_full_and_shared_stands_in_the_way() -> None:
    trials = make_trials(PLAN, **saturating(Bottleneck.STORE))

    steps = advice.next_steps(make_result(PLAN, trials))

    assert any(step.startswith("Bottleneck of gthread on cpu: PostgreSQL used") for step in steps)


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

    assert any("the proxy would saturate at about 17 replicas of gthread" in step for step in steps)


def test_a_proxy_that_fills_before_the_next_doubling_is_in_its_way() -> None:
    # 68 % of a core at 4 replicas is 85 % at 5
    proxy = make_usage(
        member="proxy", role=Role.PROXY, cpu_s=1.7, budget_cpus=None, throttled_ratio=None
    )
    trials = [
        make_trial(spec=spec, throughput_rps=50.0, usages=(make_usage(), proxy))
        for spec in PLAN.rounds[0]
    ]

    steps = advice.next_steps(make_result(PLAN, trials))

    assert any(
        step.startswith("Limit of the next doubling: the proxy would saturate at about 5 replicas")
        for step in steps
    )


def test_full_slots_beside_idle_cpu_ask_for_slots_before_replicas() -> None:
    trials = make_trials(PLAN, **saturating(Bottleneck.WORKER_SLOTS))

    steps = advice.next_steps(make_result(PLAN, trials))

    (told,) = (step for step in steps if step.startswith("Add worker slots"))
    assert told.startswith("Add worker slots before replicas for gthread on cpu: 30.4 of 32 worker")
    assert told.endswith("while only 40.0 % of the busiest replica's CPU was used.")


@pytest.mark.parametrize(
    ("cores", "told"),
    [
        (2, "The next doubling fits this machine: --replicas 1,2,4,8."),
        (1, "The next doubling, to 8 replicas, needs a machine with more than 1 core."),
    ],
)
def test_it_is_said_whether_this_machine_can_measure_the_next_doubling(
    cores: int, told: str
) -> None:
    machine = make_machine(cores=cores, core_ids=tuple(range(cores)))

    assert told in advice.next_steps(make_result(PLAN, machine=machine))


@pytest.mark.parametrize(
    ("waits", "slots", "fits"), [(True, 4, True), (True, None, False), (False, 4, False)]
)
def test_sixteen_replicas_of_requests_that_wait_are_the_next_doubling_of_eight(
    waits: bool, slots: int | None, fits: bool
) -> None:
    plan = make_plan(replica_counts=(1, 2, 4, 8))
    plan = replace(
        plan,
        workloads=tuple(replace(each, waits=waits) for each in plan.workloads),
        workers=tuple(replace(each, slots=slots) for each in plan.workers),
    )
    steps = advice.next_steps(make_result(plan))

    assert ("The next doubling fits this machine: --replicas 1,2,4,8,16." in steps) is fits


def test_a_run_that_died_is_to_be_measured_again() -> None:
    died = make_result(PLAN, make_trials(PLAN, rounds=1), facts=make_facts(finished=False))

    assert advice.next_steps(died)[0] == (
        "The run did not finish. Measure again: twofold run --workers gthread --seed 1"
    )


def test_an_unsettled_doubling_comes_first_with_its_time() -> None:
    wide = noisy_rps(spread=0.2)

    steps = advice.next_steps(make_result(PLAN, make_trials(PLAN, rps=wide)))

    assert steps[0].startswith("gthread cpu 1→2: About ")
    assert steps[0].endswith(" more of measuring would decide it.")


def test_a_run_without_trials_gives_no_advice() -> None:
    assert advice.next_steps(make_result(PLAN, ())) == []


def test_a_worker_model_that_answers_wrongly_is_not_recommended_however_fast() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"))
    speed = {"gthread": 1.0, "sync": 1.0, "gevent": 9.0}
    trials = make_trials(plan, rps=lambda spec: 50.0 * speed[spec.cell.worker])
    wrong = make_probe(worker="gevent", state=ProbeState.BREAKS)

    steps = advice.next_steps(make_result(plan, trials, probes=(wrong,)))

    assert steps[0].startswith("Store state that outlives a request")
    assert not any("gevent" in step for step in steps)
    assert any("gthread" in step for step in steps)
