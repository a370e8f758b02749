"""How replicas are held to their CPU budgets, and who spreads their CPU periods."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.compose import stack as stack_module
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.stack import ComposeStack
from loadtests.environments.shared import cpu_periods
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import cgroup, docker, proc
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    PLAN,
    FakeEngine,
    all_containers,
    as_engine,
)

Held = list[tuple[str, ...]]

IDS = [f"id of {service}-{number}" for service in ("gthread", "sync") for number in (1, 2)]
PINNED = "--cpuset-cpus=1"
BY_CPUS, BY_QUOTA = ("--cpus=0.1",), ("--cpu-period=100000", "--cpu-quota=10000")


def periods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, local: bool, writable: bool
) -> tuple[ComposeStack, FakeEngine, Held]:
    """Hold a stack's replicas to their budget, and return what was asked of its engine."""
    held: Held = []

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        held.append(argv)
        return proc.Completed(argv=argv, code=0, stdout="", stderr="")

    monkeypatch.setattr(docker, "is_local", lambda: local)
    monkeypatch.setattr(cgroup, "group_of", lambda _: object() if local else None)
    monkeypatch.setattr(cgroup, "may_set_period", lambda _: writable)
    monkeypatch.setattr(cpu_periods, "spread_by_model", lambda *_: True)
    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    monkeypatch.setattr(stack_module, "wait_until_quiet", lambda *_: None)
    monkeypatch.setattr(ComposeStack, "_start_proxy", lambda *_: None)
    engine = FakeEngine(*all_containers())
    project = Project(
        engine=as_engine(engine), compose=COMPOSE, name="twofold-1", files=(), variables={}
    )
    return ComposeStack(project, PLAN, tmp_path, CHECKOUT), engine, held


def test_periods_are_spread_by_the_kernels_files_where_this_user_may_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, engine, held = periods(tmp_path, monkeypatch, local=True, writable=True)

    stack.configure_proxy(())

    assert held == [("docker", "update", *BY_CPUS, PINNED, *IDS)]
    assert (engine.quotas, stack.periods_spread) == ([], True)


@pytest.mark.parametrize("local", [True, False])
def test_elsewhere_the_engine_spreads_them_and_nobody_sees_how_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, local: bool
) -> None:
    stack, engine, held = periods(tmp_path, monkeypatch, local=local, writable=False)

    stack.configure_proxy(())

    assert held == [("docker", "update", *BY_QUOTA, PINNED, *IDS)]
    assert engine.quotas[:4] == [(name, 10_000, 1_000) for name in IDS]
    assert {name: period_us for name, _, period_us in engine.quotas} == dict.fromkeys(IDS, 100_000)
    assert {quota_us for _, quota_us, _ in engine.quotas} == {10_000}
    assert stack.periods_spread is False


def test_an_engine_that_sets_no_period_leaves_no_replica_without_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, engine, held = periods(tmp_path, monkeypatch, local=True, writable=False)

    def refuse(*_: object) -> None:
        raise EnvironmentFailure("The engine refused it.")

    monkeypatch.setattr(engine, "set_quota", refuse)

    stack.configure_proxy(())

    first, again = held
    assert first == ("docker", "update", *BY_QUOTA, PINNED, *IDS)
    assert again == ("docker", "update", *BY_QUOTA, *IDS)
    assert stack.periods_spread is False
