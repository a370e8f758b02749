"""One doubling after another, without a stack."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis import until
from loadtests.analysis.until import Ended, HowFar
from loadtests.cli.run_options import Decision
from loadtests.cli.until import doubling
from loadtests.environments.protocol import Chosen
from loadtests.model.errors import (
    EnvironmentFailure,
    PlanError,
    TwofoldError,
    UnusableLoad,
    UsageError,
)
from loadtests.model.result import RunResult
from tests.loadtests.builders import (
    make_budget,
    make_machine,
    make_plan,
    make_result,
    make_trials,
)
from tests.loadtests.fakes import FakeBackend, World


def decision(counts: tuple[int, ...], **fields: Any) -> Decision:
    chosen = Chosen(backend=FakeBackend(World()), machine=make_machine(), why="for a test")
    return Decision(
        plan=make_plan(replica_counts=counts, **fields), chosen=chosen, results=Path("results")
    )


def search(*, ends_at: int = 1000, fits: int = 1000, **plan: Any) -> tuple[HowFar, list[Any]]:
    """Search an application whose throughput stops growing at a number of replicas."""
    asked: list[Any] = []

    def decide(given: dict[str, Any]) -> Decision:
        asked.append(given["replicas"])
        if given["replicas"][-1] > fits:
            raise PlanError(f"{given['replicas'][-1]} replicas do not fit.")
        return decision(given["replicas"], **plan)

    def measure(decided: Decision) -> RunResult:
        trials = make_trials(decided.plan, rps=lambda spec: 50.0 * min(spec.cell.replicas, ends_at))
        return make_result(decided.plan, trials)

    return doubling.search({}, decide=decide, measure=measure, for_rps=None), asked


def test_it_doubles_until_it_no_longer_scales() -> None:
    answer, asked = search(ends_at=4)

    assert asked == [(1, 2), (2, 4), (4, 8)]
    assert (answer.up_to, answer.ended) == (4, Ended.FOUND)


def test_it_doubles_until_the_machine_refuses_and_says_why() -> None:
    answer, _ = search(fits=4)

    assert (answer.up_to, answer.ended) == (4, Ended.MACHINE)
    assert answer.sentence.endswith("8 replicas do not fit.")


def test_a_machine_that_fits_no_doubling_refuses_at_once() -> None:
    with pytest.raises(PlanError, match="2 replicas do not fit"):
        search(fits=1)


def test_it_ends_at_the_most_replicas_that_are_measured() -> None:
    answer, asked = search()

    assert asked[-1] == (32, 64)
    assert answer.sentence.endswith(doubling.TOO_MANY)


def test_one_sentence_is_for_one_variant_and_one_workload() -> None:
    with pytest.raises(UsageError, match="--workers gthread"):
        search(workers=("gthread", "sync"))
    with pytest.raises(UsageError, match="--workload cpu"):
        search(workloads=("cpu", "io"))


def test_a_machine_that_can_test_another_load_only_ends_the_search() -> None:
    def decide(given: dict[str, Any]) -> Decision:
        counts = given["replicas"]
        made = decision(counts, workloads=("cpu",) if counts == (1, 2) else ("io",))
        return replace(made, plan=replace(made.plan, notes=("io is measured instead.",)))

    answer = doubling.search(
        {},
        decide=decide,
        measure=lambda decided: make_result(decided.plan, make_trials(decided.plan)),
        for_rps=None,
    )

    assert (answer.up_to, answer.ended) == (2, Ended.MACHINE)
    assert answer.sentence.endswith("io is measured instead.")


@pytest.mark.parametrize(
    ("given", "for_rps", "told"),
    [
        ({"replicas": (1, 2)}, None, "Leave out --replicas"),
        ({}, 0.0, "--for-rps is 0"),
        ({}, math.nan, "--for-rps is nan"),
        ({}, math.inf, "--for-rps is inf"),
    ],
)
def test_options_that_contradict_it_are_refused(
    given: dict[str, Any], for_rps: float | None, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        doubling.check(given, for_rps)


def search_with_failure(
    error: TwofoldError, *, at: tuple[int, ...], alone_cpus: float = 0.1
) -> tuple[HowFar, list[str]]:
    """Search an application of which one doubling cannot be measured."""
    told: list[str] = []

    def decide(given: dict[str, Any]) -> Decision:
        cpus = 0.05 if given.get("one_size") else alone_cpus
        return decision(given["replicas"], budget=make_budget(replica_cpus=cpus))

    def measure(decided: Decision) -> RunResult:
        if decided.plan.replica_counts == at:
            raise error
        trials = make_trials(decided.plan, rps=lambda spec: 50.0 * spec.cell.replicas)
        return make_result(decided.plan, trials)

    answer = doubling.search({}, decide=decide, measure=measure, for_rps=None, tell=told.append)
    return answer, told


@pytest.mark.parametrize("kind", [EnvironmentFailure, UnusableLoad])
def test_a_later_step_that_fails_takes_nothing_from_what_was_shown(
    kind: type[TwofoldError],
) -> None:
    error = kind("Replica 7 did not answer in 90 s.\nIts log: replica-7.log")

    answer, told = search_with_failure(error, at=(4, 8))

    assert (answer.up_to, answer.ended, until.exit_code(answer)) == (4, Ended.FAILED, 3)
    assert answer.sentence == (
        "Up to 4 replicas of 0.05 CPU each, 200 requests/s; 8 could not be measured: Replica 7 did"
        " not answer in 90 s."
    )
    assert told == [str(error)]


def test_a_plan_that_fails_later_takes_nothing_from_what_was_shown() -> None:
    def decide(given: dict[str, Any]) -> Decision:
        if given["replicas"] == (2, 4):
            raise EnvironmentFailure("The engine does not answer.")
        return decision(given["replicas"])

    def measure(decided: Decision) -> RunResult:
        trials = make_trials(decided.plan, rps=lambda spec: 50.0 * spec.cell.replicas)
        return make_result(decided.plan, trials)

    answer = doubling.search({}, decide=decide, measure=measure, for_rps=None)

    assert (answer.up_to, answer.ended) == (2, Ended.FAILED)


def test_a_first_step_that_fails_says_how_small_its_replicas_were() -> None:
    with pytest.raises(EnvironmentFailure) as failed:
        search_with_failure(EnvironmentFailure("It does not start."), at=(1, 2))

    first, second = str(failed.value).splitlines()
    assert first == "It does not start."
    assert second == (
        "Each replica had 0.05 CPU, so that the most that fit here have the same size. If that is"
        " too little for this application, measure fewer: with --replicas 1,2 and without --until,"
        " each has 0.1 CPU."
    )


def test_a_first_step_of_the_usual_size_fails_as_it_is() -> None:
    with pytest.raises(EnvironmentFailure) as failed:
        search_with_failure(EnvironmentFailure("No room."), at=(1, 2), alone_cpus=0.05)

    assert str(failed.value) == "No room."


def test_every_step_is_planned_with_one_size() -> None:
    asked: list[Any] = []

    def decide(given: dict[str, Any]) -> Decision:
        asked.append(given["one_size"])
        return decision(given["replicas"])

    doubling.search(
        {},
        decide=decide,
        measure=lambda decided: make_result(decided.plan, make_trials(decided.plan)),
        for_rps=None,
    )

    assert len(asked) > 1
    assert all(asked)
