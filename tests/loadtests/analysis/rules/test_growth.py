"""What the load leaves behind is told by the name of the request that grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from loadtests.analysis.rules import growth, run
from loadtests.model.failures import RequestOutcomes
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials, noisy_rps, steady_rps

PLAN = make_plan(replica_counts=(1, 2), rounds=8)

Sizes = Callable[[Trial], dict[str, float]]
"""The mean bytes of each name's answers in a trial."""


def measured(sizes: Sizes, *, plan: Plan = PLAN, slower: float = 0.0) -> tuple[Trial, ...]:
    """Give the trials of a plan whose answers have these sizes; the times are 1 ms for 100 bytes.

    ``slower`` is the share of the throughput that each round takes away.
    """
    noise = noisy_rps(spread=0.01)
    trials = make_trials(plan, rps=lambda spec: noise(spec) * (1 - slower * (spec.round - 1)))
    return tuple(
        replace(
            trial,
            requests=tuple(
                RequestOutcomes(
                    name=name,
                    completed=100,
                    failed=0,
                    p50_ms=size / 100,
                    p99_ms=size / 50,
                    body_bytes=round(100 * size),
                )
                for name, size in sizes(trial).items()
            ),
        )
        for trial in trials
    )


def guestbook(per_round: float) -> Sizes:
    return lambda trial: {
        "GET /": 500.0,
        "GET /notes": 2_000.0 + per_round * trial.spec.round,
        "POST /notes": 20.0,
    }


def steady(trials: tuple[Trial, ...], **plan: Any) -> Finding:
    return run.steady(replace(PLAN, **plan), trials)


def test_answers_that_get_several_times_as_long_are_told_by_name_with_the_way_out() -> None:
    finding = steady(measured(guestbook(1_000)))

    assert finding.state is RuleState.BROKEN
    assert "gthread cpu was not the same load from round to round" in finding.detail
    assert "The answers of GET /notes grew from 3,000 to 10,000 bytes" in finding.detail
    assert "--reset-command" in finding.detail


def test_a_command_that_was_given_is_not_proposed_again() -> None:
    finding = steady(measured(guestbook(1_000)), reset_command=("flask", "init-db"))

    assert finding.detail.endswith("before each round does not take that back.")


def test_a_smaller_growth_is_told_and_breaks_nothing() -> None:
    finding = steady(measured(guestbook(100)))

    assert finding.state is RuleState.HOLDS
    assert "The answers of GET /notes grew from 2,100 to 2,800 bytes" in finding.detail


def test_a_throughput_that_wears_off_is_told_with_the_request_that_grew() -> None:
    finding = steady(measured(guestbook(100), slower=0.05))

    assert finding.state is RuleState.BROKEN
    assert finding.detail.startswith("The throughput of gthread cpu changed by")
    assert "The answers of GET /notes grew from" in finding.detail


def test_times_are_told_where_no_answer_gets_longer() -> None:
    def sizes(_: Trial) -> dict[str, float]:
        return {"GET /": 500.0, "POST /orders": 500.0}

    trials = tuple(
        replace(
            trial,
            requests=(
                trial.requests[0],
                replace(trial.requests[1], p50_ms=10.0 + 20 * trial.spec.round),
            ),
        )
        for trial in measured(sizes, slower=0.05)
    )

    detail = steady(trials).detail
    assert "The median time of POST /orders grew from 30 to 170 ms" in detail
    assert "--reset-command" in detail


def test_a_wear_without_any_growth_says_where_to_look() -> None:
    finding = steady(measured(guestbook(0), slower=0.05))

    assert finding.state is RuleState.BROKEN
    assert finding.detail.endswith("Look for a leak or a growing table.")


@pytest.mark.parametrize("seed", range(20))
def test_sizes_that_scatter_or_differ_between_cells_do_not_grow(seed: int) -> None:
    random = Random(seed)

    def sizes(trial: Trial) -> dict[str, float]:
        at = trial.spec.cell.replicas * 3_000
        return {f"GET /{number}": at * random.uniform(0.5, 1.5) for number in range(20)}

    assert growth.of_bytes(measured(sizes)) == []


def test_a_counter_with_more_digits_is_no_growth() -> None:
    trials = measured(lambda trial: {"GET /count": 3.0 * trial.spec.round})

    assert growth.of_bytes(trials) == []
    assert steady(trials).state is RuleState.HOLDS


def test_answers_that_get_shorter_and_unknown_ones_are_no_growth() -> None:
    shorter = measured(lambda trial: {"GET /": 9_000.0 - 900 * trial.spec.round})
    unknown = tuple(
        replace(trial, requests=(RequestOutcomes(name="GET /", completed=9, failed=0),))
        for trial in make_trials(PLAN, rps=steady_rps)
    )

    assert growth.of_bytes(shorter) == []
    assert growth.of_bytes(unknown) == growth.of_times(unknown) == []


def test_too_few_rounds_tell_nothing() -> None:
    few = make_plan(replica_counts=(1, 2), rounds=2)

    assert growth.of_bytes(measured(guestbook(9_000), plan=few)) == []


def test_the_growth_of_one_workload_is_not_told_of_another() -> None:
    plan = make_plan(workloads=("browse", "write"), replica_counts=(1, 2), rounds=8)

    def sizes(trial: Trial) -> dict[str, float]:
        grows = trial.spec.cell.workload == "write"
        return {"GET /": 2_000.0 * (trial.spec.round if grows else 1)}

    (found,) = growth.of_bytes(measured(sizes, plan=plan))
    assert (found.worker, found.workload) == ("gthread", "write")
    assert (
        growth.explanation(
            plan,
            [trial for trial in measured(sizes, plan=plan) if trial.spec.cell.workload == "browse"],
        )
        == ""
    )
