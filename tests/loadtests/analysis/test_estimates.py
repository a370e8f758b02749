import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.analysis import estimates
from loadtests.model.plan import TrialSpec
from loadtests.model.result import Estimate
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Role, Verdict
from tests.loadtests.builders import (
    make_calibration,
    make_cell,
    make_plan,
    make_spec,
    make_trial,
    make_trials,
    make_usage,
    noisy_rps,
    without_names,
)

PAIR = make_plan(replica_counts=(1, 2), rounds=12)


def by_rounds(**factors: float) -> Callable[[TrialSpec], float]:
    """Return throughputs of 50 for one replica, and for two what each round's factor gives."""
    of_round = dict(enumerate(factors.values(), start=1))
    return lambda spec: 50.0 * (of_round[spec.round] if spec.cell.replicas == 2 else 1.0)


def drifting(spec: TrialSpec) -> float:
    """Double from one to two replicas, on a machine that gets 10 % slower from round to round."""
    return 50.0 * spec.cell.replicas * 0.9**spec.round


def test_a_factor_is_the_geometric_mean_of_the_rounds_ratios() -> None:
    trials = make_trials(PAIR, rounds=2, rps=by_rounds(first=1.8, second=2.2))

    (doubling,) = estimates.doublings(PAIR, trials)

    assert doubling.factor.estimate == pytest.approx(math.sqrt(1.8 * 2.2))
    assert (doubling.replicas_from, doubling.replicas_to, doubling.rounds) == (1, 2, 2)


def test_what_a_round_shares_cancels_in_the_factor() -> None:
    (doubling,) = estimates.doublings(PAIR, make_trials(PAIR, rounds=6, rps=drifting))

    assert doubling.factor.estimate == pytest.approx(2.0)
    assert doubling.half_width_ratio == pytest.approx(0.0, abs=1e-9)


def test_only_rounds_with_a_trial_of_both_cells_count() -> None:
    trials = make_trials(PAIR, rounds=3, rps=by_rounds(first=2.0, second=2.0, third=9.0))
    third_single = next(t for t in trials if t.spec.round == 3 and t.spec.cell.replicas == 1)

    (doubling,) = estimates.doublings(PAIR, [t for t in trials if t is not third_single])

    assert doubling.rounds == 2
    assert doubling.factor.estimate == pytest.approx(2.0)


def test_one_round_gives_an_estimate_without_an_interval() -> None:
    (doubling,) = estimates.doublings(PAIR, make_trials(PAIR, rounds=1))

    assert doubling.factor.estimate == pytest.approx(2.0)
    assert doubling.factor.low is doubling.factor.high is None
    assert doubling.half_width_ratio is None


def test_a_cell_without_success_gives_no_factor_but_a_reason() -> None:
    trials = make_trials(PAIR, rounds=3, rps=lambda spec: 0.0 if spec.cell.replicas == 2 else 50.0)

    (doubling,) = estimates.doublings(PAIR, trials)

    assert doubling.factor == Estimate(estimate=None, low=None, high=None)
    assert doubling.reason == (
        "No request of gthread cpu ×2 succeeded in at least one round, so there is no ratio."
    )


def test_a_doubling_never_measured_says_so() -> None:
    (doubling,) = estimates.doublings(PAIR, [])

    assert doubling.factor.estimate is None
    assert doubling.reason == "No round has a trial of both gthread cpu ×1 and gthread cpu ×2."
    assert doubling.verdict is Verdict.INCONCLUSIVE


def test_only_counts_planned_with_their_double_are_doublings() -> None:
    plan = make_plan(replica_counts=(1, 3, 4, 6), rounds=2)

    found = estimates.doublings(plan, make_trials(plan))

    assert [(d.replicas_from, d.replicas_to) for d in found] == [(3, 6)]


def test_a_factor_is_cpu_got_over_cpu_per_request() -> None:
    def trial(spec: TrialSpec) -> Trial:
        # Two replicas get 1.9 times the CPU, and each request costs 1.25 times as much of it.
        cpu_s, completed = (0.19, 152) if spec.cell.replicas == 2 else (0.1, 100)
        return make_trial(
            spec=spec,
            throughput_rps=completed / 1.0,
            window_s=1.0,
            usages=(make_usage(cpu_s=cpu_s, completed=completed, span_s=1.0),),
        )

    trials = [trial(spec) for specs in PAIR.rounds[:3] for spec in specs]

    (doubling,) = estimates.doublings(PAIR, trials)

    assert doubling.cpu_got_factor == pytest.approx(1.9)
    assert doubling.cpu_per_request_factor == pytest.approx(1.25)
    assert doubling.factor.estimate == pytest.approx(1.9 / 1.25)


@pytest.mark.parametrize("cpu_s", [-0.2, float("nan")])
def test_a_figure_that_cannot_be_true_gives_no_ratio(cpu_s: float) -> None:
    usages = (make_usage(cpu_s=cpu_s),)
    trials = {1: make_trial(usages=usages)}

    ratio = estimates.cpu_per_request_ratio(trials, {1: make_trial()})

    assert ratio.estimate is None


def test_cpu_per_request_is_all_cpu_over_all_answers() -> None:
    usages = (
        make_usage(member="gthread-1", cpu_s=0.3, completed=100),
        make_usage(member="gthread-2", cpu_s=0.1, completed=300),
        make_usage(member="proxy", role=Role.PROXY, cpu_s=9.0, completed=None),
    )

    assert estimates.cpu_us_per_request(make_trial(usages=usages)) == pytest.approx(1000.0)


def test_cpu_per_request_is_unknown_where_a_replica_could_not_be_asked() -> None:
    usages = (make_usage(), make_usage(member="gthread-2", completed=None))

    assert estimates.cpu_us_per_request(make_trial(usages=usages)) is None


@pytest.mark.parametrize("failed", [0, 25])
def test_cpu_per_request_is_the_same_where_no_answer_names_its_replica(failed: int) -> None:
    named = make_trial(spec=make_spec(cell=make_cell(replicas=2)), throughput_rps=90.0)
    unnamed = without_names(replace(named, completed=named.completed - failed, failed=failed))

    cost_us = estimates.cpu_us_per_request(unnamed)

    assert cost_us == pytest.approx(estimates.cpu_us_per_request(named))
    assert estimates.cpu_us_per_request(replace(unnamed, speed_correction=1.1)) == pytest.approx(
        (cost_us or 0.0) / 1.1
    )


def test_without_names_it_is_unknown_if_a_replicas_cpu_or_any_answer_is_missing() -> None:
    trial = without_names(make_trial(spec=make_spec(cell=make_cell(replicas=2))))

    assert estimates.cpu_us_per_request(replace(trial, usages=trial.usages[1:])) is None
    assert estimates.cpu_us_per_request(replace(trial, usages=())) is None
    assert estimates.cpu_us_per_request(replace(trial, completed=0)) is None


def test_cells_come_in_the_plans_order_with_speedup_and_efficiency() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2, 4))
    rps = {1: 50.0, 2: 90.0, 4: 160.0}

    found = estimates.cells(plan, make_trials(plan, rps=lambda spec: rps[spec.cell.replicas]))

    assert [cell.cell for cell in found] == list(plan.cells)
    assert [cell.speedup.estimate for cell in found[:3]] == pytest.approx([1.0, 1.8, 3.2])
    assert [cell.efficiency_ratio for cell in found[:3]] == pytest.approx([1.0, 0.9, 0.8])
    assert found[0].speedup.low is None, "S(1) is 1 by definition, not by measurement"


def test_a_cells_throughputs_divide_to_the_doublings_factor() -> None:
    trials = make_trials(PAIR, rps=noisy_rps(spread=0.1))
    one, two = estimates.cells(PAIR, trials)
    (doubling,) = estimates.doublings(PAIR, trials)

    assert one.throughput_rps.estimate
    assert two.throughput_rps.estimate
    assert two.throughput_rps.estimate / one.throughput_rps.estimate == pytest.approx(
        doubling.factor.estimate
    )


def test_a_cell_without_a_trial_has_nothing_but_its_planned_users() -> None:
    plan = make_plan(replica_counts=(2,))

    (cell,) = estimates.cells(plan, [], [make_calibration(users_per_replica=8)])

    assert (cell.trials, cell.users) == (0, 16)
    assert cell.throughput_rps.estimate is None
    assert cell.p99_ms is cell.error_ratio is cell.cpu_us_per_request is None


def test_a_cell_whose_requests_all_fail_has_zero_throughput_and_all_errors() -> None:
    plan = make_plan(replica_counts=(1,), rounds=2)

    (cell,) = estimates.cells(plan, make_trials(plan, rps=lambda _: 0.0, failed=30))

    assert cell.throughput_rps == Estimate(estimate=0.0, low=None, high=None)
    assert cell.speedup.estimate is None
    assert cell.error_ratio == 1.0


def test_percentiles_are_medians_over_the_rounds() -> None:
    plan = make_plan(replica_counts=(1,), rounds=3)
    trials = [
        replace(trial, latency=replace(trial.latency, p99_ms=p99))
        for trial, p99 in zip(make_trials(plan), (100.0, 900.0, 120.0), strict=True)
        if trial.latency
    ]

    (cell,) = estimates.cells(plan, trials)

    assert cell.p99_ms == 120.0


def test_each_replicas_rate_is_over_the_trials_that_it_took_part_in() -> None:
    plan = make_plan(replica_counts=(1, 4), rounds=8)

    single = estimates.cells(plan, make_trials(plan))[0]

    assert set(single.replica_rps) == {"gthread-1", "gthread-2", "gthread-3", "gthread-4"}
    assert single.replica_rps["gthread-3"] == pytest.approx(50.0)


def test_worker_models_are_compared_at_equal_replicas_by_rounds() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2), rounds=3)
    speed = {"gthread": 1.0, "sync": 0.5, "gevent": 2.5}

    found = estimates.comparisons(
        plan, make_trials(plan, rps=lambda s: speed[s.cell.worker] * drifting(s))
    )

    ratios = {(c.worker, c.against, c.replicas): c.ratio.estimate for c in found}
    assert len(ratios) == 6
    assert ratios["gevent", "gthread", 2] == pytest.approx(2.5)
    assert ratios["gevent", "sync", 1] == pytest.approx(5.0)
