"""One replica that is slower than the others, whatever the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis.rules.machines.replica_speed import replica_speed
from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.result import Finding
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=12)
BOTH = make_plan(replica_counts=(1, 2, 4), rounds=12)

Parts = Mapping[int, float]
"""By replica, its throughput as a part of that of the others."""


def checked(
    parts: Parts,
    *,
    plan: Plan = PLAN,
    counts: tuple[int, int] = (1, 2),
    factor: float = 2.0,
    spread: float = 0.02,
    seed: int = 1,
) -> Finding | None:
    """Check a doubling whose users wait for the slowest, and which gives ``factor`` of equals."""
    rng = Random(seed)

    def rps(spec: TrialSpec) -> float:
        slowest = min(parts.get(member, 1.0) for member in spec.members)
        equals = 50.0 * math.pow(factor, math.log2(spec.cell.replicas))
        return equals * slowest * rng.lognormvariate(0.0, spread)

    small, large = (make_cell(replicas=count) for count in counts)
    return replica_speed(plan, small, large, make_trials(plan, rps=rps))


@pytest.mark.parametrize(("plan", "counts"), [(PLAN, (1, 2)), (BOTH, (2, 4))])
def test_a_slow_replica_is_no_loss_of_the_application(plan: Plan, counts: tuple[int, int]) -> None:
    finding = checked({2: 0.5}, plan=plan, counts=counts)

    assert finding is not None
    assert finding.state is RuleState.BROKEN
    assert finding.cell == make_cell(replicas=counts[1])
    assert finding.detail.startswith("gthread-2 alone answers 2")
    assert "so the loss is that of one replica" in finding.detail


def test_a_factor_that_may_be_two_all_the_same_is_left_to_its_wide_interval() -> None:
    """One of four is slow: its cells differ from round to round, and nothing is decided."""
    finding = checked({2: 0.5}, plan=BOTH, counts=(1, 2))

    assert finding is not None
    assert finding.state is RuleState.HOLDS
    assert finding.figure == pytest.approx(1.0, abs=0.1)


def test_a_loss_that_is_larger_than_what_the_slow_replica_takes_stands() -> None:
    """Requests wait for a lock, too: equal replicas would gain a tenth only."""
    finding = checked({2: 0.5}, factor=1.1)

    assert finding is not None
    assert finding.state is RuleState.HOLDS
    assert finding.figure == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("parts", [{}, {2: 0.97}, {2: 0.92}])
def test_starts_that_differ_as_starts_do_are_not_called_slow(parts: Parts) -> None:
    for seed in range(20):
        finding = checked(parts, factor=1.5, seed=seed)

        assert finding is not None
        assert finding.state is RuleState.HOLDS


def test_a_doubling_that_scales_all_the_same_is_left_alone() -> None:
    finding = checked({}, factor=2.0)

    assert finding is not None
    assert finding.state is RuleState.HOLDS
    assert "alone answers" in finding.detail


def test_a_few_noisy_windows_show_no_slow_replica() -> None:
    """Two rounds: each replica was alone once, or too seldom to tell."""
    plan = make_plan(replica_counts=(1, 2), rounds=2)

    assert checked({2: 0.5}, plan=plan) is None


def test_replicas_behind_a_balancer_of_the_users_are_not_compared() -> None:
    """It may send fewer requests to the slow one."""
    target = Target(kind=TargetKind.URL, given="http://shop", name="shop")

    assert checked({2: 0.5}, plan=replace(PLAN, tested=target)) is None


def test_a_run_without_a_cell_of_one_replica_tells_nothing() -> None:
    plan = make_plan(replica_counts=(2, 4), rounds=12)

    assert checked({2: 0.5}, plan=plan, counts=(2, 4)) is None
