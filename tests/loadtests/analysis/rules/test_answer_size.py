"""Answers that change their length with the number of replicas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis.rules.answer_size import answer_size
from loadtests.model.failures import RequestOutcomes
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
SMALL, LARGE = make_cell(replicas=1), make_cell(replicas=2)

Size = Callable[[int, Random], float]
"""The mean body of a window, by the number of replicas."""


def checked(*sizes: Size, answers: int = 500, seed: int = 1) -> Finding | None:
    rng = Random(seed)
    trials = [
        replace(
            trial,
            requests=tuple(
                RequestOutcomes(
                    name=f"GET /{index}",
                    completed=answers,
                    failed=0,
                    body_bytes=round(answers * size(trial.spec.cell.replicas, rng)),
                )
                for index, size in enumerate(sizes)
            ),
        )
        for trial in make_trials(PLAN)
    ]
    return answer_size(PLAN, SMALL, LARGE, trials)


def test_a_fallback_that_more_replicas_give_is_other_work() -> None:
    """A third of the answers of two replicas has 200 bytes in the place of 5,000."""
    found = checked(lambda count, rng: rng.gauss(5000 if count == 1 else 3400, 60))

    assert found is not None
    assert found.state is RuleState.BROKEN
    assert "The answers to GET /0 have 4,988 bytes on average at 1 and 3,396 at" in found.detail


def test_an_empty_answer_is_another_one() -> None:
    found = checked(lambda count, _: 5000.0 if count == 1 else 0.0)

    assert found is not None
    assert found.state is RuleState.BROKEN


@pytest.mark.parametrize(
    "size",
    [
        lambda count, rng: rng.gauss(5000, 60),
        lambda count, rng: 5000 + 5 * count,  # the name of a replica
        lambda count, rng: 40 + 10 * count,  # a counter with more digits
        lambda count, rng: 5000 * (1.0 if count == 1 else 1.09),  # a little more
    ],
)
def test_answers_of_about_the_same_length_are_the_same(size: Size) -> None:
    found = checked(size)

    assert found is not None
    assert found.state is RuleState.HOLDS


def test_answers_of_random_length_are_not_taken_for_others() -> None:
    """Fifty requests whose mean bodies scatter by a fifth: one run in a thousand may be wrong."""
    sizes = [lambda _, rng: 1000 * rng.lognormvariate(0, 0.2)] * 50

    states = [checked(*sizes, seed=seed) for seed in range(40)]

    assert all(found is not None and found.state is RuleState.HOLDS for found in states)


def test_where_nobody_counted_bytes_nothing_is_said() -> None:
    assert answer_size(PLAN, SMALL, LARGE, make_trials(PLAN)) is None
    assert checked(lambda *_: 5000.0, answers=10) is None
