"""Shares behind a proxy of the user's, by the CPU of the replicas, and why they are unequal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.analysis.rules import front_share
from loadtests.analysis.rules.replica_share import replica_share
from loadtests.model.result import Finding
from loadtests.model.tested.front import Front
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_cell, make_plan, make_spec, make_trial, make_usage

NGINX = Front(service="nginx", known=True, sets_aside_s=10.0)
SERVICE = Target(
    kind=TargetKind.SERVICE, given="compose.yaml:web", name="web", through="nginx", front=NGINX
)
ONCE = replace(NGINX, looked_up="web")


def finding(front: Front, cpu_s: Callable[[int], tuple[float, float]]) -> Finding:
    """Return the finding on ten trials of two replicas that used so much CPU in each."""
    plan = replace(make_plan(), tested=replace(SERVICE, front=front))
    cell = make_cell(replicas=2)
    trials = [
        make_trial(
            spec=make_spec(cell=cell, round=number),
            completed=421,
            answers={},
            usages=tuple(
                make_usage(member=f"gthread-{index}", cpu_s=used)
                for index, used in enumerate(cpu_s(number), start=1)
            ),
        )
        for number in range(10)
    ]
    return replica_share(plan, cell, trials)


def test_equal_cpu_is_an_equal_share() -> None:
    found = finding(ONCE, lambda number: (0.20, 0.21 - 0.002 * number))

    assert found.state is RuleState.HOLDS
    assert "looked the name" not in found.detail


def test_a_name_that_was_looked_up_once_leaves_the_second_replica_without_requests() -> None:
    found = finding(ONCE, lambda _: (0.24, 0.0))

    assert found.state is RuleState.BROKEN
    assert found.detail.startswith("gthread-2 got about 0 of 4,210 requests, by its CPU")
    assert "nginx looked the name web up once" in found.detail
    assert "valid=5s" in found.detail


def test_an_application_that_waits_uses_hardly_any_cpu_and_is_judged_by_it() -> None:
    """Ten requests a second of 1.2 ms: less than an idle replica may use of its budget."""
    alone = finding(ONCE, lambda _: (0.012, 0.0002))
    shared = finding(NGINX, lambda _: (0.012, 0.0121))

    assert alone.state is RuleState.BROKEN
    assert "nginx looked the name web up once" in alone.detail
    assert shared.state is RuleState.HOLDS


def test_shares_of_nothing_are_not_equal() -> None:
    assert finding(NGINX, lambda _: (0.0, 0.0)).state is RuleState.UNCHECKED


@pytest.mark.parametrize("setting", ["ip_hash", "hash $remote_addr consistent"])
def test_balancing_by_address_is_named(setting: str) -> None:
    found = finding(replace(ONCE, by_address=setting), lambda _: (0.24, 0.0))

    assert found.state is RuleState.BROKEN
    assert f"nginx has {setting}, which sends all requests of one address" in found.detail


def test_what_the_configuration_foretells_is_known_before_anything_is_measured() -> None:
    assert front_share.foreseen(NGINX) is None
    assert "up once" in str(front_share.foreseen(ONCE))
    assert "ip_hash" in str(front_share.foreseen(replace(ONCE, by_address="ip_hash")))


def test_a_replica_that_is_put_aside_now_and_then_is_told_with_the_time() -> None:
    def aside(number: int) -> tuple[float, float]:
        return ((0.02, 0.24), (0.24, 0.02), (0.13, 0.13))[number % 3]

    found = finding(replace(ONCE, failures=12), aside)

    assert found.state is RuleState.BROKEN
    assert "The shares were unequal in 70% of the trials." in found.detail
    assert "nginx put a replica aside for 10 s after each failure" in found.detail
    assert "its log tells of 12" in found.detail


def test_a_proxy_that_nobody_can_look_into_says_so() -> None:
    found = finding(Front(service="lb"), lambda _: (0.24, 0.0))

    assert found.state is RuleState.BROKEN
    assert "What lb does is not known" in found.detail


def test_the_little_that_an_idle_server_uses_is_no_request() -> None:
    found = finding(ONCE, lambda _: (0.24, 0.004))

    assert found.detail.startswith("gthread-2 got about 0 of 4,210 requests")


def test_replicas_about_as_busy_as_an_idle_one_may_be_are_alike() -> None:
    """Of 0.1 CPU over 2.5 s, 2 % are 0.005 s."""
    assert finding(NGINX, lambda _: (0.0049, 0.0051)).state is RuleState.HOLDS


def test_one_uneven_trial_of_ten_is_chance() -> None:
    found = finding(ONCE, lambda number: (0.3, 0.1) if number == 4 else (0.2, 0.2))

    assert found.state is RuleState.HOLDS
