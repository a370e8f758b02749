from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis import estimates
from loadtests.analysis.core_speed import as_measured, at_mean_speed, slope
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_plan, make_trials

SLOW, FAST = 2.0e6, 3.0e6


def at_speeds(*, effect: float, noise: float = 0.0, factor: float = 2.0) -> list[Trial]:
    """Trials of one doubling on a core whose speed jumps about, with a known effect on rates."""
    rng = Random(1)
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
    for trial in at_mean_speed(at_speeds(effect=0.0, noise=0.005)):
        assert trial.speed_correction == pytest.approx(1.0, abs=0.01)


def test_the_interval_is_narrower_than_without() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = at_speeds(effect=1.0, noise=0.02)
    raw, corrected = (
        estimates.precision(estimates.doublings(plan, these))
        for these in (trials, at_mean_speed(trials))
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
    back = [as_measured(trial).throughput_rps for trial in at_mean_speed(measured)]
    assert back == pytest.approx([trial.throughput_rps for trial in measured])


@pytest.mark.parametrize(("effect", "wanted"), [(-0.8, 0.0), (3.0, 1.5)])
def test_a_slope_that_no_clock_can_cause_is_cut_off(effect: float, wanted: float) -> None:
    assert slope(at_speeds(effect=effect)) == wanted


def test_the_cpu_time_of_a_request_is_stated_for_the_same_core_speed() -> None:
    trials = at_speeds(effect=1.0)
    slow = min(at_mean_speed(trials), key=lambda trial: trial.core_speed or 0)
    raw, stated = (estimates.cpu_us_per_request(t) for t in (as_measured(slow), slow))
    assert raw is not None
    assert stated is not None
    assert stated < raw
