"""What the prober asks, of a stack in memory whose state is where the test says."""

from dataclasses import replace

import pytest

from loadtests.measurement.consistency.declared import TIMES_EACH, Prober, widest
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import SAMPLE_CHECKS, Check, ProbeResult, ProbeState
from loadtests.model.plan import Plan
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
    for result in probed(World(state="store")):
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
