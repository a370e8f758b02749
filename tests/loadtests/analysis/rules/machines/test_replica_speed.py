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
from loadtests.model.vocabulary import Bottleneck, RuleState
from tests.loadtests.bottleneck_builders import saturating
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
    rps_alone: float = 50.0,
    full: Bottleneck = Bottleneck.REPLICA_CPU,
) -> Finding | None:
    """Check a doubling whose users wait for the slowest, and which gives ``factor`` of equals."""
    rng = Random(seed)

    def rps(spec: TrialSpec) -> float:
        slowest = min(parts.get(member, 1.0) for member in spec.members)
        equals = rps_alone * math.pow(factor, math.log2(spec.cell.replicas))
        return equals * slowest * rng.lognormvariate(0.0, spread)

    small, large = (make_cell(replicas=count) for count in counts)
    trials = make_trials(plan, rps=rps, **saturating(full))
    return replica_speed(plan, small, large, trials)


@pytest.mark.parametrize(("plan", "counts"), [(PLAN, (1, 2)), (BOTH, (2, 4))])
def test_a_slow_replica_is_no_loss_of_the_application(plan: Plan, counts: tuple[int, int]) -> None:
    finding = checked({2: 0.5}, plan=plan, counts=counts)

    assert finding is not None
    assert finding.state is RuleState.BROKEN
    assert finding.cell == make_cell(replicas=counts[1])
    assert finding.detail.startswith("gthread-2 alone answers 2")
    assert f"the factor from {counts[0]} to {counts[1]} replicas would be" in finding.detail
    assert "so the loss is that of one replica" in finding.detail


def test_rates_have_no_exponent() -> None:
    finding = checked({2: 0.5}, rps_alone=2469.0)

    assert finding is not None
    assert finding.detail.startswith("gthread-2 alone answers 1254 requests/s, and the others 2434")


def test_a_loss_that_may_have_two_reasons_is_not_called_that_of_one_replica() -> None:
    """Equal replicas would gain 1.6, and windows differ too much to tell that from 1.8."""
    finding = checked({2: 0.5}, factor=1.6, spread=0.1, seed=7)

    assert finding is not None
    assert finding.state is RuleState.BROKEN
    assert "about 1.71 [1.58, 1.85], so the loss may be that of one replica" in finding.detail


@pytest.mark.parametrize("full", [Bottleneck.STORE, Bottleneck.CONNECTIONS, Bottleneck.FILE_LOCK])
def test_what_all_replicas_share_and_is_full_is_the_applications_limit(full: Bottleneck) -> None:
    finding = checked({2: 0.5}, full=full)

    assert finding is not None
    assert finding.state is RuleState.HOLDS


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
