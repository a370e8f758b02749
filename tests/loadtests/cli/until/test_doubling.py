"""One doubling after another, without a stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis.until import Ended, HowFar
from loadtests.cli.run_options import Decision
from loadtests.cli.until import doubling
from loadtests.environments.protocol import Chosen
from loadtests.model.errors import PlanError, UsageError
from loadtests.model.result import RunResult
from tests.loadtests.builders import make_machine, make_plan, make_result, make_trials
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
    [({"replicas": (1, 2)}, None, "Leave out --replicas"), ({}, 0.0, "--for-rps is 0")],
)
def test_options_that_contradict_it_are_refused(
    given: dict[str, Any], for_rps: float | None, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        doubling.check(given, for_rps)
