"""The comparison of the two backends, from made-up trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.result import Estimate
from loadtests.model.trial import Trial
from scripts import backends
from tests.loadtests.builders import make_plan, make_trials


def trials_of(plan: Plan, rps: Callable[[TrialSpec], float], speed: float = 1.0) -> list[Trial]:
    """Trials whose throughput, by replica, wavers by a per cent from round to round."""
    trials = make_trials(plan, rps=lambda spec: rps(spec) * (1 + 0.01 * (spec.round % 3 - 1)))
    return [replace(trial, core_speed=speed) for trial in trials]


def scaling(spec: TrialSpec) -> float:
    return 50.0 * spec.cell.replicas


def test_backends_that_measure_the_same_agree_in_every_figure() -> None:
    plan = make_plan()
    trials = trials_of(plan, scaling)

    comparison = backends.compare(plan, {"compose": trials, "processes": trials})

    assert (comparison["figures"], comparison["agreeing"]) == (5, 5)  # three cells, two doublings
    assert comparison["doublings"][0]["factor"]["compose"]["estimate"] == pytest.approx(2.0)
    assert comparison["cells"][0]["ratio_in_a_round"]["estimate"] == pytest.approx(1.0)


def test_a_backend_that_falls_short_at_four_replicas_is_told_apart() -> None:
    plan = make_plan()
    short = trials_of(plan, lambda spec: scaling(spec) * (0.8 if spec.cell.replicas == 4 else 1.0))

    comparison = backends.compare(plan, {"compose": trials_of(plan, scaling), "processes": short})

    assert [row["rps_per_replica"]["agree"] for row in comparison["cells"]] == [True, True, False]
    assert [row["factor"]["agree"] for row in comparison["doublings"]] == [True, False]
    assert comparison["cells"][2]["ratio_in_a_round"]["estimate"] == pytest.approx(1 / 0.8)


def test_a_figure_without_an_interval_agrees_with_nothing() -> None:
    estimate = Estimate(estimate=2.0, low=1.9, high=2.1)
    unknown = Estimate(estimate=2.0, low=None, high=None)

    assert not backends.both(("compose", "processes"), (estimate, unknown))["agree"]


def test_what_the_core_did_meanwhile_is_taken_out_of_each_backends_trials() -> None:
    plan = make_plan(rounds=8)

    def run(backend_speed: float) -> list[Trial]:
        return [
            replace(
                trial,
                core_speed=backend_speed * (1 + 0.01 * trial.spec.round),
                throughput_rps=trial.throughput_rps * backend_speed * (1 + 0.01 * trial.spec.round),
            )
            for trial in make_trials(plan, rps=scaling)
        ]

    stated = backends.at_one_speed({"compose": run(1.0), "processes": run(0.9)})

    comparison = backends.compare(plan, stated)
    rates = comparison["cells"][0]["rps_per_replica"]
    assert rates["compose"]["estimate"] == pytest.approx(rates["processes"]["estimate"], rel=1e-6)
    assert {trial.spec.cell.worker for trial in stated["processes"]} == {"gthread"}
