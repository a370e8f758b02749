from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.measurement.generator_client import Agent
from loadtests.measurement.server_counters import ServerCounters
from loadtests.measurement.serving import proxy_connections
from loadtests.measurement.serving.proxy_connections import ProxyConnections
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import IdleConnections
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import FakeStack, World

PLAN = make_plan()


def connections(stack: FakeStack) -> ProxyConnections:
    agent = Agent(stack.start_generator())
    return ProxyConnections(stack, agent, ServerCounters(stack, agent))


def test_the_worker_is_ended_and_another_one_waited_for() -> None:
    world = World(proxy_worker=40)
    proxy = connections(FakeStack(world, PLAN))

    assert not proxy.has_closed
    proxy.close_all()

    assert world.proxy_worker == 41
    assert proxy.has_closed


def test_a_proxy_that_is_not_ours_keeps_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStack, "status_url", None)
    world = World(proxy_worker=40)
    proxy = connections(FakeStack(world, PLAN))

    proxy.close_all()

    assert world.proxy_worker == 40
    assert not proxy.has_closed


def test_a_proxy_that_tells_no_worker_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(proxy_worker=40)
    monkeypatch.setattr(proxy_connections, "OK", 299)

    connections(FakeStack(world, PLAN)).close_all()

    assert world.proxy_worker == 40


@pytest.mark.parametrize(
    ("idle", "ended"),
    [(None, 0), (IdleConnections(most=0, timeout_s=0), 0), (IdleConnections(timeout_s=15), 1)],
)
def test_after_a_trial_they_are_closed_only_where_they_would_be_in_another_one(
    idle: IdleConnections | None, ended: int
) -> None:
    world = World(proxy_worker=40)
    proxy = connections(FakeStack(world, PLAN))

    proxy.configure([replace(upstream, idle=idle) for upstream in PLAN.upstreams])
    proxy.after_trial()

    assert world.upstreams[PLAN.upstreams[0].port].idle == idle
    assert world.proxy_worker == 40 + ended


def test_a_worker_that_does_not_end_is_an_error_with_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = FakeStack(World(), PLAN)
    monkeypatch.setattr(stack, "end_proxy_worker", lambda pid: None)
    monkeypatch.setattr(proxy_connections, "LIMIT_S", 0.05)

    with pytest.raises(EnvironmentFailure, match=r"no new worker process in 0\.05 s.*\nthe log of"):
        connections(stack).close_all()
