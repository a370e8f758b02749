from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from loadtests.analysis import core_speed
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial
from scripts import coverage
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_plan, make_trials


def two_cells(*, noise: float, change: float) -> tuple[Plan, list[Trial]]:
    """A perfect doubling on cores whose speed moves, and is another at the larger cell."""
    rng = Random(3)
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = []
    for trial in make_trials(plan, rps=lambda spec: 100.0 * spec.cell.replicas):
        speed = math.exp(rng.gauss(0, 0.05) + change * (trial.spec.cell.replicas - 1))
        rate = trial.throughput_rps * speed * math.exp(rng.gauss(0, noise))
        trials.append(replace(trial, core_speed=speed, throughput_rps=rate))
    return plan, trials


def test_the_correction_is_what_it_made_of_the_factor() -> None:
    plan, trials = two_cells(noise=0.0, change=0.1)

    (correction,) = coverage.correction_of(plan, trials).values()

    ratio, error = correction["correction_ratio"], correction["correction_error_ratio"]
    # The cores were about 10 % faster at the larger cell: that much was taken out, without doubt.
    assert ratio == pytest.approx(math.exp(-0.1), abs=0.05)
    assert error == pytest.approx(0.0, abs=1e-9)


def test_the_error_of_a_correction_is_that_of_the_slope() -> None:
    misses: list[float] = []
    errors: list[float] = []
    _, trials = two_cells(noise=0.0, change=0.0)
    for seed in range(200):
        rng = Random(seed)
        noisy = [
            replace(trial, throughput_rps=trial.throughput_rps * math.exp(rng.gauss(0, 0.01)))
            for trial in trials
        ]
        slope = core_speed.slope(noisy)
        assert slope is not None
        misses.append((slope - 1.0) ** 2)
        errors.append(core_speed.slope_error(noisy))

    spread = math.sqrt(sum(misses) / len(misses))
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.15)


def test_trials_without_a_speed_are_not_corrected() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=8)
    trials = [replace(trial, core_speed=None) for trial in make_trials(plan, rps=lambda _: 50.0)]

    (correction,) = coverage.correction_of(plan, trials).values()

    assert correction == {"correction_ratio": 1.0, "correction_error_ratio": 0.0}


def test_a_row_has_the_interval_of_chance_and_what_was_added_for_the_machine() -> None:
    rows = list(coverage.rows_of(CHECKOUT / "results/sample"))

    assert rows
    assert any(row["machine_share_ratio"] for row in rows)
    for row in rows:
        share = row["machine_share_ratio"]
        assert row["chance_low"] * (1 + min(share, 0.0)) == pytest.approx(row["low"])
        assert row["chance_high"] * (1 + max(share, 0.0)) == pytest.approx(row["high"])


def test_rows_of_a_run_that_is_not_kept_stay_as_they_are() -> None:
    rows = [a_row(run_id="long-gone"), a_row(run_id="another")]

    assert coverage.judged("long-gone", rows) == rows[:1]


def a_row(**fields: Any) -> dict[str, Any]:
    defaults = {"run_id": "r", "backend": "compose", "workload": "io", "worker": "sync"}
    figures = {"replica_cpus": 0.1, "factor": 2.0, "low": 1.9, "high": 2.1, "holds": True}
    return defaults | figures | fields


def test_the_summary_counts_intervals_that_are_known() -> None:
    rows = [
        a_row(),
        a_row(factor=1.8, low=1.7, high=1.9, holds=False, backend="processes"),
        a_row(factor=None, low=None, high=None, holds=False),
    ]

    summary = coverage.summary(rows)

    assert (summary["intervals"], summary["holding"]) == (2, 1)
    assert summary["mean_factor"] == pytest.approx(1.9)
    assert summary["kinds"]["processes, 0.1 CPU"]["holding"] == 0
    assert summary["rows"] == rows
