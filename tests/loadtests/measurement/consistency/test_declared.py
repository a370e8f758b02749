"""What the prober asks, of a stack in memory whose state is where the test says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

import pytest

from loadtests.measurement.consistency.declared import MORE_EACH, TIMES_EACH, Prober, widest
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import (
    SAMPLE_CHECKS,
    Check,
    CheckKind,
    ProbeResult,
    ProbeState,
    Step,
)
from loadtests.model.generator_records import Answer, Ask
from loadtests.model.plan import Plan, Upstream
from loadtests.model.tested.workload import Expected
from loadtests.tools import proc
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import FakeStack, World

PLAN = make_plan(workers=("gthread", "gevent"), replica_counts=(1, 2, 4))


def make_prober(world: World, plan: Plan = PLAN) -> Prober:
    stack = FakeStack(world, plan)
    stack.configure_proxy(plan.upstreams)
    names = {replica.address: replica.name for replica in stack.replicas}
    return Prober(Agent(stack.start_generator()), names, lambda port: f"http://proxy:{port}")


def probed(world: World, plan: Plan = PLAN) -> tuple[ProbeResult, ...]:
    return make_prober(world, plan).probe(plan, SAMPLE_CHECKS)


def test_state_in_the_store_is_ok_for_every_worker_model_and_check() -> None:
    found = probed(World(state="store"))

    assert [(result.worker, result.check, result.state) for result in found] == [
        (worker, check, ProbeState.OK)
        for worker in ("gthread", "gevent")
        for check in ("note", "session", "counter")
    ]


def test_every_replica_is_asked_often_enough_to_meet_its_processes() -> None:
    results = probed(World(state="store"))

    assert results
    for result in results:
        assert result.right == {f"{result.worker}-{number}": TIMES_EACH for number in (1, 2, 3, 4)}


def test_state_in_memory_breaks_and_every_other_replica_is_found_out() -> None:
    note, session, counter = probed(World(state="memory"))[:3]

    assert {result.state for result in (note, session, counter)} == {ProbeState.BREAKS}
    for result in (note, session):
        assert result.written_by is not None
        assert set(result.right) == {result.written_by}
        assert set(result.wrong) == {f"gthread-{n}" for n in range(1, 5)} - {result.written_by}
    assert not note.one_server


def test_without_a_store_nothing_is_told() -> None:
    found = probed(World(state=None))

    assert {result.state for result in found} == {ProbeState.UNCHECKED}
    assert "503" in found[0].detail


@pytest.mark.parametrize("check", SAMPLE_CHECKS)
def test_after_a_refusal_nothing_more_is_asked(check: Check) -> None:
    """Where nobody answers, each step takes as long as anybody waits."""
    prober, port = make_prober(World(state=None)), widest(PLAN)[0].port

    record = prober.ask(check, worker="gthread", replicas=("gthread-1", "gthread-2"), port=port)

    assert len([*([record.before] if record.before else []), *record.writes, *record.reads]) == 1


def test_no_token_is_used_twice() -> None:
    reads = [result.read for result in probed(World(state="store")) if result.check == "note"]

    assert len(set(reads)) == len(reads)


def test_the_port_with_the_most_replicas_of_each_model_is_asked() -> None:
    assert [(each.worker, each.members) for each in widest(PLAN)] == [
        ("gthread", (1, 2, 3, 4)),
        ("gevent", (1, 2, 3, 4)),
    ]


def test_one_replica_alone_is_not_asked() -> None:
    assert widest(make_plan(replica_counts=(1,))) == ()


def test_a_check_that_breaks_is_tried_again_before_it_is_believed() -> None:
    world = World(state="memory")
    prober = make_prober(world)
    before = world.proxy_requests

    (note,) = prober.probe(make_plan(replica_counts=(1, 2)), SAMPLE_CHECKS[:1])

    assert note.state is ProbeState.BREAKS
    assert world.proxy_requests - before == 2 * (1 + 2 * TIMES_EACH)


def test_a_check_is_tried_as_often_as_it_says() -> None:
    world = World(state="store")
    prober = make_prober(world)
    before = world.proxy_requests

    prober.probe(make_plan(replica_counts=(1, 2)), [replace(SAMPLE_CHECKS[0], times=3)])

    assert world.proxy_requests - before == 3 * (1 + 2 * TIMES_EACH)


FIXED = Check(
    name="a note of a fixed text",
    kind=CheckKind.VALUE,
    write=Step(method="PUT", path="/state/notes/hello"),
    read=Step(method="GET", path="/state/notes/hello", expect=Expected(contains="hello")),
)
WITH_TOKEN = replace(FIXED, write=replace(FIXED.write, body="{token}"))


def in_turn() -> Callable[[Sequence[str], int], str]:
    """Give a proxy that goes on where it stopped, so the write after 16 reads meets another."""
    turns = count()
    return lambda members, _: members[next(turns) % len(members)]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("check", [FIXED, WITH_TOKEN])
def test_a_fixed_text_that_one_replica_lacks_breaks_though_a_second_write_would_hide_it(
    check: Check, times: int
) -> None:
    world = World(state="memory", share=in_turn())
    prober = make_prober(world)

    (result,) = prober.probe(make_plan(replica_counts=(1, 2)), [replace(check, times=times)])

    assert (result.state, result.one_server) == (ProbeState.BREAKS, False)
    assert result.right == {"gthread-1": TIMES_EACH}
    assert result.wrong == {"gthread-2": TIMES_EACH}


def test_a_fixed_text_that_all_replicas_have_by_the_second_look_may_be_chance() -> None:
    world = World(state="memory", share=in_turn())
    prober = make_prober(world)
    ask = prober.read_again

    def known_later(*given: Any, **options: Any) -> Any:
        record = ask(*given, **options)
        for known in ("gthread-1", "gthread-2"):
            world.kept.setdefault(known, []).append("hello")
        return record

    prober.read_again = known_later  # type: ignore[method-assign]

    (result,) = prober.probe(make_plan(replica_counts=(1, 2)), [replace(FIXED, times=3)])

    assert result.state is ProbeState.NOTE
    assert result.detail.startswith("In 1 of 3 tries, which may be chance:")


def test_a_fixed_text_in_the_store_is_ok() -> None:
    world = World(state="store", share=in_turn())

    (result,) = make_prober(world).probe(make_plan(replica_counts=(1, 2)), [FIXED])

    assert result.state is ProbeState.OK


@dataclass
class Clock:
    """A clock that every request moves on by ``step_s``."""

    step_s: float
    now_s: float = 100.0

    def monotonic_s(self) -> float:
        return self.now_s


class SlowAgent:
    """An agent whose every request takes a while, and never longer than it may."""

    def __init__(self, agent: Agent, clock: Clock) -> None:
        self._agent, self._clock = agent, clock
        self.timeouts_s: list[float] = []

    def ask(self, asks: Sequence[Ask], *, timeout_s: float) -> tuple[Answer, ...]:
        self.timeouts_s.append(timeout_s)
        self._clock.now_s += min(self._clock.step_s, timeout_s)
        if self._clock.step_s > timeout_s:
            return tuple(Answer(url=ask.url, status=None, error="timeout") for ask in asks)
        return self._agent.ask(asks, timeout_s=timeout_s)


def probed_slowly(
    monkeypatch: pytest.MonkeyPatch,
    step_s: float,
    check: Check,
    *,
    state: Literal["store", "memory"] = "store",
) -> tuple[ProbeResult, SlowAgent, float]:
    clock = Clock(step_s)
    monkeypatch.setattr(proc, "monotonic_s", clock.monotonic_s)
    stack = FakeStack(World(state=state), PLAN)
    stack.configure_proxy(PLAN.upstreams)
    names = {replica.address: replica.name for replica in stack.replicas}
    agent: Any = SlowAgent(Agent(stack.start_generator()), clock)
    prober = Prober(agent, names, lambda port: f"http://proxy:{port}", limit_s=20.0)
    result = prober.probe(PLAN, [check])[0]
    return result, agent, clock.now_s - 100.0


def test_no_step_waits_longer_than_all_checks_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    result, agent, took_s = probed_slowly(monkeypatch, 15.0, SAMPLE_CHECKS[0])

    assert took_s <= 20.2
    assert agent.timeouts_s[:2] == [20.0, 5.0]
    assert result.state is ProbeState.UNCHECKED


def test_a_check_without_time_is_unchecked_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _, took_s = probed_slowly(monkeypatch, 3.0, replace(SAMPLE_CHECKS[0], times=20))

    assert took_s <= 20.2
    assert result.state is ProbeState.OK
    assert result.detail.endswith("Made 3 of 20 times: the time for the checks was over.")


def test_what_broke_once_without_time_to_try_again_is_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, _, _ = probed_slowly(monkeypatch, 9.95, SAMPLE_CHECKS[0], state="memory")

    assert result.state is ProbeState.NOTE
    assert result.detail.startswith("There was no time to try again what broke: After PUT")


NEVER_MET = replace(SAMPLE_CHECKS[0], read=Step(method="GET", path="/state/notes/another"))


def test_a_check_that_no_replica_ever_meets_is_unchecked_after_three_tries() -> None:
    world = World(state="store")
    prober = make_prober(world)
    before = world.proxy_requests

    (result,) = prober.probe(make_plan(replica_counts=(1, 2)), [NEVER_MET])

    assert result.state is ProbeState.UNCHECKED
    assert "not even the one that was written to" in result.detail
    assert world.proxy_requests - before == 3 + 2 * TIMES_EACH + 2 * 2 * MORE_EACH


class ListeningAgent:
    """An agent that keeps what it was asked."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.asks: list[Ask] = []

    def ask(self, asks: Sequence[Ask], *, timeout_s: float) -> tuple[Answer, ...]:
        self.asks += asks
        return self._agent.ask(asks, timeout_s=timeout_s)


def listening(plan: Plan, **options: Any) -> tuple[Prober, ListeningAgent]:
    stack = FakeStack(World(state="store"), plan)
    stack.configure_proxy(plan.upstreams)
    agent: Any = ListeningAgent(Agent(stack.start_generator()))
    return Prober(agent, {}, lambda port: f"http://proxy:{port}", **options), agent


def test_headers_of_the_load_go_with_every_step_below_its_own() -> None:
    plan = make_plan(replica_counts=(1, 2))
    of_load = {"X-Key": "k-1", "Cookie": "a=1", "Host": "shop.test", "Accept-Encoding": "gzip"}
    prober, agent = listening(plan, headers=of_load)
    check = replace(SAMPLE_CHECKS[0], read=replace(SAMPLE_CHECKS[0].read, headers={"x-key": "own"}))

    prober.probe(plan, [check])

    written, read = agent.asks[0].headers, agent.asks[-1].headers
    assert written == {"X-Key": "k-1", "Cookie": "a=1", "Host": "shop.test"}
    assert {name: read[name] for name in ("x-key",)} == {"x-key": "own"}
    assert "X-Key" not in read
    assert "a=1" in read["Cookie"]


def test_an_upstream_serves_before_it_is_checked_and_says_who_is_there() -> None:
    plan = make_plan(workers=("gthread", "gevent"), replica_counts=(1, 2))
    served: list[tuple[str, int]] = []

    def serve(upstream: Upstream) -> dict[str, str]:
        served.append((upstream.worker, len(upstream.members)))
        index = len(served) - 1
        return {
            f"10.0.{index}.{number}:8000": f"{upstream.worker}-{number}"
            for number in upstream.members
        }

    prober, _ = listening(plan, serve=serve)
    results = prober.probe(plan, SAMPLE_CHECKS[:1])

    assert served == [("gthread", 2), ("gevent", 2)]
    assert {result.state for result in results} == {ProbeState.OK}
