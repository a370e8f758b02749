"""Answers that grow over a run are told by their name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loadtests.analysis.rules import growth, run
from loadtests.model.failures import RequestOutcomes
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials, noisy_rps

PLAN = make_plan(replica_counts=(1, 2), rounds=6)


def trials(length: Callable[[int], float | None]) -> list[Trial]:
    """Return trials whose list of notes has so many bytes, by their place in time."""
    in_time = sorted(make_trials(PLAN, rps=noisy_rps()), key=lambda trial: trial.started_at_s)
    return [
        replace(
            trial,
            requests=(
                RequestOutcomes(name="GET /", completed=9, failed=0, mean_bytes=100.0 + place % 2),
                RequestOutcomes(name="GET /notes", completed=9, failed=0, mean_bytes=length(place)),
            ),
        )
        for place, trial in enumerate(in_time)
    ]


def steady(length: Callable[[int], float | None]) -> Finding:
    return run.steady(PLAN, trials(length))


def test_an_answer_that_grows_by_more_than_twice_is_unsteady_and_named() -> None:
    found = steady(lambda place: 1000.0 + 200 * place + place % 3)

    assert found.state is RuleState.BROKEN
    assert found.detail.startswith("Answers of GET /notes (cpu) grew from 1,")
    assert "--reset-command" in found.detail


def test_a_smaller_growth_is_told_and_the_rule_holds() -> None:
    found = steady(lambda place: 1000.0 + 40 * place + place % 3)

    assert found.state is RuleState.HOLDS
    assert "Answers of GET /notes (cpu) grew" in found.detail


def test_lengths_that_only_scatter_are_not_told() -> None:
    assert growth.greatest(trials(lambda place: 1000.0 + 300 * (place % 2))) is None


def test_answers_that_shrink_are_not_told() -> None:
    assert growth.greatest(trials(lambda place: 3000.0 - 200 * place)) is None


def test_a_journal_without_lengths_has_none() -> None:
    assert growth.greatest(trials(lambda _: None)) is None
