"""The users of a replica whose requests mostly take 20 ms, and one in ten 2 s.

They only wait, so twice the users get twice the answers, up to the most users that are tried.
"""

from __future__ import annotations

import numpy as np

from loadtests.analysis.samples import latency
from loadtests.config.options import Options
from loadtests.measurement.user_calibration import Measure, calibrate
from loadtests.model.plan import MOST_USERS, Plan, Timing, TrialSpec
from loadtests.model.trial import Calibration, Trial
from loadtests.planning.run_plan import make_plan
from tests.loadtests.builders import make_machine, make_trial, make_usage

PLAN: Plan = make_plan(Options(), make_machine(), backend="fake", seed=1)
SHORT_S, LONG_S, LONG_PART = 0.02, 2.0, 0.1
MEAN_S = SHORT_S + LONG_PART * (LONG_S - SHORT_S)
IDLE = (make_usage(cpu_s=0.001, throttled_ratio=0.0),)


def waiting(seed: int) -> Measure:
    """Measure users who wait for nothing but their own requests."""
    rng = np.random.default_rng(seed)

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        until_s = timing.settle_s + timing.window_s
        count = int(3 * until_s / MEAN_S) + 60
        taken_s = np.where(rng.random((users, count)) < LONG_PART, LONG_S, SHORT_S)
        done_s = np.cumsum(taken_s, axis=1) - timing.settle_s
        inside = (done_s >= 0) & (done_s < timing.window_s)
        completed = int(inside.sum())
        return make_trial(
            spec=spec,
            users=users,
            window_s=timing.window_s,
            throughput_rps=completed / timing.window_s,
            completed=completed,
            failed=0,
            latency=latency((1e6 * taken_s[inside]).astype(np.int64)),
            usages=IDLE,
        )

    return measure


def calibrated(seed: int) -> Calibration:
    return calibrate(PLAN, "gevent", "io", waiting(seed))


def test_the_users_go_on_to_double_though_few_answers_show_no_gain() -> None:
    """As reviewed: 28 of 60 calibrations ended with 16 users or fewer."""
    users = [calibrated(seed).steps[-1].users for seed in range(20)]

    assert users == [MOST_USERS] * 20


def test_a_step_knows_how_uneven_its_answers_are() -> None:
    """1 + c² of 90 % of 20 ms and 10 % of 2 s is 8.4."""
    last = calibrated(1).steps[-1]

    assert 7.0 < last.dispersion < 10.0
