"""Waiting for replicas that come up: who is asked again, and what ends the wait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import pytest

from loadtests.measurement.generator_client import Agent
from loadtests.measurement.readiness import READY_LIMIT_S, wait_for_proxy, wait_ready
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Replica
from loadtests.tools import proc
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import FakeStack, World
from tests.loadtests.fakes.stack import StackInMemory

PLAN = make_plan(workers=("gthread",), replica_counts=(1, 2, 4))


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read_s(self) -> float:
        self.now_s += 1.0
        return self.now_s


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(proc, "monotonic_s", made.read_s)
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    return made


def nobody_ended(_: Collection[str]) -> None:
    return None


def not_ready(waiting: Sequence[Replica], after_s: float) -> str:
    return f"{[replica.name for replica in waiting]} after {after_s:.0f} s"


def waited(
    *down: str,
    ended: Callable[[Collection[str]], str | None] = nobody_ended,
    laggard_limit_s: float = READY_LIMIT_S,
    ended_every_s: float = 0.0,
) -> None:
    world = World(down=set(down))
    stack = FakeStack(world, PLAN)
    wait_ready(
        Agent(stack.start_generator()),
        stack.replicas,
        path="/healthz",
        ended=ended,
        not_ready=not_ready,
        laggard_limit_s=laggard_limit_s,
        ended_every_s=ended_every_s,
    )


def test_replicas_that_all_answer_are_not_waited_for(clock: Clock) -> None:
    waited()

    assert clock.now_s < 10


def test_those_that_never_answer_are_named_once_the_time_is_up(clock: Clock) -> None:
    with pytest.raises(EnvironmentFailure, match=r"\['gthread-2', 'gthread-4'\] after 9\d s"):
        waited("gthread-2", "gthread-4")


def come_up(world: World, *but: str) -> Callable[[Collection[str]], None]:
    """Let all that are down come up but these, once they have been asked for the first time."""

    def ended(_: Collection[str]) -> None:
        world.down &= set(but)

    return ended


def test_laggards_have_less_time_once_one_has_answered() -> None:
    world = World(down={f"gthread-{number}" for number in range(1, 5)})

    with pytest.raises(EnvironmentFailure, match=r"\['gthread-2'\] after 3\d s"):
        wait_ready(
            Agent(FakeStack(world, PLAN).start_generator()),
            FakeStack(world, PLAN).replicas,
            path="/healthz",
            ended=come_up(world, "gthread-2"),
            not_ready=not_ready,
            laggard_limit_s=30.0,
        )


def test_one_that_was_up_before_the_others_gives_them_no_less_time(clock: Clock) -> None:
    """Where starts share a store, one of each version comes up first, then 15 more."""
    boot_s, sides = 45.0, ("base", "head")
    starts = [
        Replica(
            name=f"{side}-{number}",
            worker=side,
            number=number,
            address=f"{side}-{number}:80",
            identity=f"{side}-{number} of this stack",
        )
        for side in sides
        for number in range(1, 17)
    ]
    world = World(down={start.name for start in starts if start.number > 1})
    world.replicas = {start.name: start for start in starts}

    def ended(_: Collection[str]) -> None:
        if clock.now_s >= boot_s:
            world.down.clear()

    wait_ready(
        Agent(StackInMemory(world).start_generator()),
        starts,
        path="/healthz",
        ended=ended,
        not_ready=not_ready,
        limit_s=90.0,
        laggard_limit_s=30.0,
    )

    assert boot_s <= clock.now_s < 90.0


def test_laggards_have_all_the_time_while_none_of_their_own_version_has_answered(
    clock: Clock,
) -> None:
    def waited_s(*down: str) -> float:
        world = World(down={f"{worker}-{n}" for worker in ("gthread", "sync") for n in (1, 2)})
        stack = FakeStack(world, make_plan(workers=("gthread", "sync"), replica_counts=(1, 2)))
        began_s = clock.now_s
        with pytest.raises(EnvironmentFailure, match="sync-1"):
            wait_ready(
                Agent(stack.start_generator()),
                stack.replicas,
                path="/healthz",
                ended=come_up(world, *down),
                not_ready=not_ready,
                laggard_limit_s=30.0,
            )
        return clock.now_s - began_s

    assert waited_s("sync-1", "sync-2") > READY_LIMIT_S
    assert waited_s("sync-1") < READY_LIMIT_S / 2


def test_laggards_have_all_the_time_while_none_has_answered(clock: Clock) -> None:
    everyone = [f"gthread-{number}" for number in range(1, 5)]

    with pytest.raises(EnvironmentFailure, match=r"after 9\d s"):
        waited(*everyone, laggard_limit_s=30.0)


def test_one_that_has_ended_ends_the_wait_and_only_the_silent_are_asked_about() -> None:
    asked: list[list[str]] = []

    def ended(waiting: Collection[str]) -> str:
        asked.append(sorted(waiting))
        return "gthread-3 ended with code 1."

    with pytest.raises(EnvironmentFailure, match="gthread-3 ended with code 1"):
        waited("gthread-3", ended=ended)

    assert asked == [["gthread-3"]]


def test_it_is_looked_for_one_that_has_ended_no_oftener_than_asked_for() -> None:
    moments: list[float] = []

    def ended(_: Collection[str]) -> None:
        moments.append(proc.monotonic_s())

    with pytest.raises(EnvironmentFailure):
        waited("gthread-3", ended=ended, ended_every_s=20.0)

    assert 3 <= len(moments) <= 5
    assert all(later - earlier >= 20 for earlier, later in pairwise(moments))


def test_a_proxy_that_answers_is_ready_and_one_that_does_not_is_told_with_its_log() -> None:
    stack = FakeStack(World(down={"gthread-1"}), PLAN)
    agent = Agent(stack.start_generator())

    wait_for_proxy(agent, stack.status_url, lambda: "its log")

    with pytest.raises(EnvironmentFailure, match=r"(?s)did not answer in 20 s.*its log"):
        wait_for_proxy(agent, f"http://{stack.replicas[0].address}/", lambda: "its log")
