from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis import estimates
from loadtests.analysis.core_speed import (
    as_measured,
    at_mean_speed,
    margin_between,
    pooled_slope,
    slope,
    slope_error,
    speed_change,
    speed_of,
    weighed,
)
from loadtests.analysis.intervals import geometric_mean, student_quantile
from loadtests.analysis.rounds import precision
from loadtests.model.result import DoublingResult
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_cell, make_plan, make_spec, make_trial, make_trials

SLOW, FAST = 2.0e6, 3.0e6


def at_speeds(
    *, effect: float, noise: float = 0.0, factor: float = 2.0, seed: int = 1
) -> list[Trial]:
    """Trials of one doubling on a core whose speed jumps about, with a known effect on rates."""
    rng = Random(seed)
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = []
    for trial in make_trials(plan, rps=lambda spec: 100.0 * factor ** (spec.cell.replicas - 1)):
        speed = rng.uniform(SLOW, FAST)
        bent = math.exp(effect * math.log(speed / SLOW) + rng.gauss(0, noise))
        trials.append(replace(trial, core_speed=speed, throughput_rps=trial.throughput_rps * bent))
    return trials


def test_what_the_core_speed_did_is_taken_out_to_the_last_digit() -> None:
    rates: dict[int, set[float]] = {1: set(), 2: set()}
    for trial in at_mean_speed(at_speeds(effect=1.0)):
        rates[trial.spec.cell.replicas].add(round(trial.throughput_rps, 6))
    assert [len(found) for found in rates.values()] == [1, 1]
    assert rates[2].pop() / rates[1].pop() == pytest.approx(2.0)


def test_a_loss_of_the_system_itself_stays() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = at_mean_speed(at_speeds(effect=0.9, noise=0.01, factor=1.6))
    (doubling,) = estimates.doublings(plan, trials)
    assert doubling.factor.low is not None
    assert doubling.factor.high is not None
    assert doubling.factor.low < 1.6 < doubling.factor.high
    assert doubling.factor.high < 1.65


def test_trials_that_do_not_follow_the_core_are_hardly_changed() -> None:
    trials = at_mean_speed(at_speeds(effect=0.0, noise=0.005))

    assert trials
    for trial in trials:
        assert trial.speed_correction == pytest.approx(1.0, abs=0.01)


def test_the_interval_is_narrower_than_without() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = at_speeds(effect=1.0, noise=0.02)
    raw, corrected = (
        precision(estimates.doublings(plan, these)) for these in (trials, at_mean_speed(trials))
    )
    assert raw is not None
    assert corrected is not None
    assert corrected < raw / 2


def test_too_few_trials_leave_everything_as_it_was_measured() -> None:
    few = at_speeds(effect=1.0)[:6]
    assert slope(few) is None
    assert at_mean_speed(few) == tuple(few)


def test_trials_without_a_known_speed_stay_as_they_are() -> None:
    unknown = [replace(trial, core_speed=None) for trial in at_speeds(effect=1.0)]
    assert at_mean_speed(unknown) == tuple(unknown)


def test_a_trial_without_success_is_no_reason_to_fail() -> None:
    trials = at_speeds(effect=1.0)
    trials[0] = replace(trials[0], throughput_rps=0.0)
    assert at_mean_speed(trials)[0].throughput_rps == 0.0


def test_correcting_twice_is_correcting_once() -> None:
    once = at_mean_speed(at_speeds(effect=1.0, noise=0.02))
    twice = at_mean_speed(once)
    assert [trial.throughput_rps for trial in twice] == pytest.approx(
        [trial.throughput_rps for trial in once]
    )


def test_what_was_measured_can_be_had_back() -> None:
    measured = at_speeds(effect=1.0, noise=0.02)
    again = [as_measured(trial) for trial in at_mean_speed(measured)]
    assert {trial.speed_correction_margin for trial in again} == {0.0}
    back = [trial.throughput_rps for trial in again]
    assert back == pytest.approx([trial.throughput_rps for trial in measured])


@pytest.mark.parametrize(("effect", "wanted"), [(-0.8, 0.0), (3.0, 1.5)])
def test_a_slope_that_no_clock_can_cause_is_cut_off(effect: float, wanted: float) -> None:
    assert slope(at_speeds(effect=effect)) == wanted


def test_a_slope_that_chance_may_have_taken_below_0_stays() -> None:
    """Cut off at 0, slopes would be too large in the mean where nothing follows the core."""
    measured = [slope(at_speeds(effect=0.0, noise=0.02, seed=seed)) or 0.0 for seed in range(40)]

    assert sum(measured) / 40 == pytest.approx(0.0, abs=0.02)
    assert min(measured) < 0


def test_the_gates_slope_is_none_that_no_clock_can_cause() -> None:
    slopes = [
        pooled_slope([[(each.core_speed or 0.0, each.throughput_rps) for each in trials]])
        for trials in (at_speeds(effect=-0.8, factor=1.0), at_speeds(effect=3.0, factor=1.0))
    ]

    assert slopes == [0.0, 1.5]


SHIFT = 0.015
"""How much slower the probe reads the core with twice the replicas."""


def doublings_of(effect: float, *, seeds: range, factor: float = 2.0) -> list[DoublingResult]:
    """Measure runs of 1, 2 and 4 replicas whose cores are the slower the more replicas there are.

    Core speeds hardly change inside cells, so the slope is not known well.
    """
    plan = make_plan(replica_counts=(1, 2, 4), rounds=6)
    found: list[DoublingResult] = []
    for seed in seeds:
        rng = Random(seed)
        trials = []
        for spec in (spec for planned in plan.rounds for spec in planned):
            doubled = int(math.log2(spec.cell.replicas))
            speed = rng.gauss(0, 0.005) - SHIFT * doubled
            rate = doubled * math.log(factor) + effect * speed + rng.gauss(0, 0.01)
            trial = replace(BASE, spec=spec, core_speed=math.exp(speed))
            trials.append(replace(trial, throughput_rps=math.exp(rate)))
        found += estimates.doublings(plan, at_mean_speed(trials))
    return found


BASE = make_trial()


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0])
def test_intervals_hold_the_factor_whatever_is_full_and_no_factor_is_biased(effect: float) -> None:
    found = doublings_of(effect, seeds=range(200))

    factors = [doubling.factor for doubling in found]
    held = [(each.low or 0) <= 2.0 <= (each.high or 0) for each in factors]
    mean = sum(each.estimate or 0 for each in factors) / len(factors)
    assert sum(held) / len(held) >= 0.93
    assert mean == pytest.approx(2.0, rel=0.002)


def test_a_loss_is_not_corrected_away_by_chance() -> None:
    found = doublings_of(0.0, seeds=range(100), factor=1.76)

    assert not [each for each in found if (each.factor.low or 0) >= 1.8]


def test_corrections_of_one_group_err_together() -> None:
    def at(margin: float, **cell: object) -> Trial:
        return replace(
            make_trial(spec=make_spec(cell=make_cell(**cell))), speed_correction_margin=margin
        )

    one, two = [at(0.01), at(0.03)], [at(0.05, replicas=2)]

    assert margin_between(one, two) == pytest.approx(0.03)
    assert margin_between(two, one) == pytest.approx(0.03)
    assert margin_between(one, [at(-0.05, worker="sync")]) == pytest.approx(math.hypot(0.02, 0.05))
    assert margin_between([at(-0.02)], []) == pytest.approx(0.02)
    assert margin_between([], []) == 0.0


def test_the_error_of_a_factor_is_the_slopes_times_the_change_of_speed() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    measured = at_speeds(effect=1.0, noise=0.02)
    cells = [estimates.trials_by_cell(at_mean_speed(measured))[cell] for cell in plan.cells]
    one, two = ([*trials.values()] for trials in cells)

    ratio = estimates.throughput_ratio(cells[1], cells[0])

    shared = slope_error(measured) * abs(speed_change(one, two)) * student_quantile(13)
    logs = [math.log(cells[1][n].throughput_rps / cells[0][n].throughput_rps) for n in cells[0]]
    assert margin_between(one, two) == pytest.approx(shared)
    assert shared > 0
    assert ratio.low == pytest.approx(geometric_mean(logs, shared=shared).low)


def test_a_comparison_of_worker_models_contains_the_errors_of_both_slopes() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1,), rounds=8)
    trials = make_trials(plan, rps=lambda spec: 50.0 + spec.round)
    margins = {"gthread": 0.1, "sync": -0.1}
    wrong = [
        replace(trial, speed_correction_margin=margins[trial.spec.cell.worker]) for trial in trials
    ]

    (narrow,), (wide,) = (estimates.comparisons(plan, of) for of in (trials, wrong))

    for ratio in (wide.ratio, wide.all_pairs_ratio, wide.per_core_ratio):
        assert ratio is not None
        assert (ratio.high or 0) > 1.1
    assert (narrow.ratio.high or 2) < (wide.ratio.high or 0)


def test_the_cpu_time_of_a_request_is_stated_for_the_same_core_speed() -> None:
    trials = at_speeds(effect=1.0)
    slow = min(at_mean_speed(trials), key=lambda trial: trial.core_speed or 0)
    raw, stated = (estimates.cpu_us_per_request(t) for t in (as_measured(slow), slow))
    assert raw is not None
    assert stated is not None
    assert stated < raw


def with_memory(*, weight: float, noise: float = 0.002, rounds: int = 8) -> list[Trial]:
    """Trials that feel both speeds, which jump about on their own, with this weight of memory."""
    rng = Random(5)
    trials = []
    for trial in make_trials(make_plan(replica_counts=(1, 2, 4), rounds=rounds)):
        hashing, reading = (math.exp(rng.gauss(0, 0.1)) for _ in range(2))
        felt = hashing ** (1 - weight) * reading**weight * math.exp(rng.gauss(0, noise))
        rate = 100.0 * trial.spec.cell.replicas * felt
        trials.append(replace(trial, core_speed=hashing, memory_speed=reading, throughput_rps=rate))
    return trials


@pytest.mark.parametrize("weight", [0.0, 0.05, 0.3, 0.5, 1.0])
def test_how_much_of_memory_requests_feel_is_found(weight: float) -> None:
    trials = with_memory(weight=weight)

    corrected = at_mean_speed(trials)

    assert {trial.memory_weight for trial in corrected} == {weight}
    assert {round(trial.throughput_rps / trial.spec.cell.replicas, -1) for trial in corrected} == {
        100.0
    }
    again = at_mean_speed(corrected)
    assert {trial.memory_weight for trial in again} == {weight}
    assert [trial.throughput_rps for trial in again] == pytest.approx(
        [trial.throughput_rps for trial in corrected]
    )


def test_few_trials_find_no_weight() -> None:
    usual = {trial.memory_weight for trial in weighed(with_memory(weight=1.0, rounds=7)[:21])}

    assert usual == {0.1}


def test_a_trial_of_an_older_journal_has_one_speed() -> None:
    (old, *_) = at_speeds(effect=1.0)

    (found,) = weighed([old])

    assert speed_of(found) == old.core_speed
    assert found.memory_weight == 0.0
