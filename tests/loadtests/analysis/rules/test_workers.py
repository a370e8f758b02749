from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.analysis.rules import workers
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials, noisy_rps

PLAN = make_plan(replica_counts=(1, 2))


def identity(of: Callable[[int], dict[str, str]]) -> Finding:
    """Return the rule's finding where each trial saw what ``of`` gives for its place in time."""
    trials = sorted(make_trials(PLAN, rps=noisy_rps()), key=lambda trial: trial.started_at_s)
    return workers.identity(
        PLAN, [replace(trial, identities=of(place)) for place, trial in enumerate(trials)]
    )


def test_members_that_stay_the_same_hold() -> None:
    finding = identity(lambda _: {"gthread-1": "10@1 11@1", "proxy": "5@1 6@1"})

    assert finding.state is RuleState.HOLDS
    assert "same from the first trial to the last" in finding.detail


def test_workers_that_are_recycled_alike_in_every_trial_hold_and_are_told() -> None:
    def recycled(place: int) -> dict[str, str]:
        pids = (10, *range(20 + 3 * place, 23 + 3 * place))
        return {"gthread-1": " ".join(f"{pid}@1" for pid in pids)}

    finding = identity(recycled)

    assert finding.state is RuleState.HOLDS
    assert "replaced 33 worker processes itself, in 11 of 11 trials" in finding.detail


def test_a_recycle_now_and_then_makes_trials_unlike() -> None:
    finding = identity(lambda place: {"gthread-1": f"10@1 {11 + (place > 6)}@1"})

    assert finding.state is RuleState.BROKEN
    assert "replaced 1 worker processes itself, in 1 of 11 trials" in finding.detail
    assert "max_requests = 0" in finding.detail


def test_a_number_of_workers_that_follows_the_load_is_told_with_the_numbers() -> None:
    finding = identity(lambda place: {"gthread-1": "10@1 11@1" + " 12@1" * (place > 3)})

    assert finding.state is RuleState.BROKEN
    assert "followed the load: 1→2. Fix the number" in finding.detail


def test_a_new_worker_beside_the_old_one_that_it_replaces_is_a_recycle() -> None:
    """As granian's --workers-lifetime does: the looks at 5 and 6 fall into an overlap."""

    def overlapping(place: int) -> dict[str, str]:
        old, new = 19 + place, 20 + place
        return {"gthread-1": f"10@1 {new}@1" + (f" {old}@1" if place in {5, 6} else "")}

    finding = identity(overlapping)

    assert finding.state is RuleState.HOLDS
    assert "replaced 11 worker processes itself" in finding.detail
    assert "followed the load" not in finding.detail


def test_a_worker_that_is_reaped_before_the_next_one_is_forked_is_a_recycle() -> None:
    """As gunicorn's max_requests does."""

    def reaped(place: int) -> dict[str, str]:
        pids = [20, 21, 22, 23 if place < 4 else 24]
        return {"gthread-1": " ".join(f"{pid}@1" for pid in (10, *pids[: 3 if place == 4 else 4]))}

    finding = identity(reaped)

    assert "replaced 1 worker processes itself, in 1 of 11 trials" in finding.detail


@pytest.mark.parametrize("at", [{4}, {4, 5}, {11}, {0}])
def test_a_worker_that_comes_and_goes_beside_the_same_others_follows_the_load(at: set[int]) -> None:
    finding = identity(lambda place: {"gthread-1": "10@1 11@1" + " 12@1" * (place in at)})

    assert finding.state is RuleState.BROKEN
    assert "followed the load" in finding.detail


def test_the_same_in_a_container() -> None:
    container = "0123456789ab since 2026-01-31T10:00:00.5Z of sha256:0123456789ab"
    another = container.replace("00.5Z", "09.5Z")

    recycled = identity(lambda place: {"gthread-1": f"{container} 5 {11 + (place > 6)}"})
    restarted = identity(lambda place: {"gthread-1": f"{another if place > 6 else container} 5 11"})

    assert "replaced 1 worker processes itself" in recycled.detail
    assert "gthread-1 changed before the end of" in restarted.detail


def test_a_first_process_that_changed_is_no_recycle() -> None:
    finding = identity(lambda place: {"gthread-1": f"{10 + (place > 3)}@1 11@1"})

    assert finding.state is RuleState.BROKEN
    assert "gthread-1 changed before the end of" in finding.detail


def test_a_proxy_whose_worker_changed_is_no_recycle_of_the_servers() -> None:
    finding = identity(lambda place: {"proxy": f"5@1 {6 + (place > 3)}@1"})

    assert finding.state is RuleState.BROKEN
    assert "proxy changed" in finding.detail


def test_a_replica_that_is_gone_is_no_recycle() -> None:
    finding = identity(lambda place: {} if place > 3 else {"gthread-1": "10@1 11@1"})

    assert finding.state is RuleState.BROKEN
    assert "became gone" in finding.detail
