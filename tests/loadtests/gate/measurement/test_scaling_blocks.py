"""One and two replicas of each side in turns through the proxy, and whether they answer as one."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import count
from typing import Any

import pytest

from loadtests.environments.keep_awake import Awake
from loadtests.gate.measurement import scaling_blocks
from loadtests.gate.measurement.generator_pool import GeneratorPool
from loadtests.gate.measurement.scaling_blocks import FIRST_PORT, NO_START, BlockRunner, _on
from loadtests.gate.model.evidence import WorkerLoad
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.plan import block_members, block_order
from loadtests.measurement.consistency.undeclared import Subject, Undeclared
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import SAMPLE_CHECKS, Check, CheckKind, ProbeState, Step
from loadtests.model.generator_records import Edge
from loadtests.model.tested.workload import Expected
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, slower_head
from tests.loadtests.gate.builders import make_gate_plan, make_probe

PLAN = make_gate_plan()
LOAD = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)
STARTS = 6


@pytest.fixture
def world() -> GateWorld:
    return GateWorld(rps=slower_head(0.1))


def a_runner(world: GateWorld, awake: Awake | None = None) -> BlockRunner:
    stack = FakeGateStack(world, PLAN)
    stack.grow(STARTS)
    lanes = range(len(PLAN.cores))
    agents = {(lane, SideName.BASE): Agent(stack.start_generator()) for lane in lanes}
    pool = GeneratorPool(stack, "gthread", agents, awake or Awake(None))
    runner = BlockRunner(stack, PLAN, "gthread", pool)
    runner.prepare()
    return runner


def test_the_proxy_has_a_port_for_each_group_of_starts_from_the_first_on(world: GateWorld) -> None:
    a_runner(world)

    ports = list(world.upstreams)
    groups = {(each.worker, each.members) for each in world.upstreams.values()}
    assert ports == list(range(FIRST_PORT, FIRST_PORT + len(ports)))
    assert len(groups) == len(ports)
    for number in range(1, 9):
        pair = block_members(PLAN, number, STARTS)
        for side in SideName:
            assert {(side, pair[:1]), (side, pair)} <= groups


def test_the_proxy_is_configured_once(world: GateWorld) -> None:
    runner = a_runner(world)
    before = dict(world.upstreams)
    world.upstreams.clear()

    runner.prepare()

    assert world.upstreams == {}
    assert before


def test_a_block_measures_each_side_with_one_and_two_replicas_in_the_planned_order(
    world: GateWorld,
) -> None:
    runner = a_runner(world)
    with runner.metronome() as metronome:
        (block,) = runner.blocks([1], LOAD, metronome)

    order = [(window.side, window.replicas) for window in block.windows]
    assert order == list(block_order(PLAN, "gthread", 1))
    assert [trial["users"] for trial in world.trials] == [8 * replicas for _, replicas in order]
    rates = {
        (window.side, window.replicas): window.figures.throughput_rps for window in block.windows
    }
    assert rates[SideName.BASE, 2] == pytest.approx(2 * rates[SideName.BASE, 1], rel=0.02)
    assert rates[SideName.HEAD, 1] == pytest.approx(0.9 * rates[SideName.BASE, 1], rel=0.02)
    assert all(window.proxy_ratio for window in block.windows)


def test_blocks_of_two_lanes_are_loaded_at_once_with_different_versions(world: GateWorld) -> None:
    runner = a_runner(world)
    with runner.metronome() as metronome:
        one, two = runner.blocks([1, 2], LOAD, metronome)

    orders = [[(window.side, window.replicas) for window in block.windows] for block in (one, two)]
    assert all(first != second for (first, _), (second, _) in zip(*orders, strict=True))
    loaded = [trial["id"] for trial in world.trials]
    assert loaded == [
        f"b{number:03d}-{side}-{replicas}"
        for turns in zip(*orders, strict=True)
        for number, (side, replicas) in enumerate(turns, start=1)
    ]
    settled = [trial["settle_s"] for trial in world.trials]
    assert settled[::2] == settled[1::2]


def test_two_starts_of_a_block_share_one_core_and_use_it_in_turn(world: GateWorld) -> None:
    runner = a_runner(world)
    with runner.metronome() as metronome:
        runner.blocks([1, 2], LOAD, metronome)

    assert [done for done in world.done if done.startswith("turns")] == [
        f"turns {side}-{lane}-1,{side}-{lane}-2" for lane in "ab" for side in SideName
    ]


@pytest.mark.parametrize("awake", [True, False])
def test_the_speed_of_the_blocks_core_is_told_where_it_is_kept_awake(
    world: GateWorld, *, awake: bool
) -> None:
    runner = a_runner(world, Awake(os.getpid() if awake else None))
    with runner.metronome() as metronome:
        (block,) = runner.blocks([1], LOAD, metronome)

    speeds = [window.core_speed for window in block.windows]
    assert speeds == ([pytest.approx(1e6)] * 4 if awake else [None] * 4)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("store", ProbeState.OK),
        ("memory", ProbeState.BREAKS),
        (None, ProbeState.UNCHECKED),
    ],
)
def test_two_replicas_of_each_side_are_asked_each_check_once(
    world: GateWorld, state: str | None, expected: ProbeState
) -> None:
    world.state = state  # type: ignore[assignment]

    probes = a_runner(world).probe(SAMPLE_CHECKS)

    asked = [(probe.result.check, probe.side) for probe in probes]
    assert asked == [(check.name, side) for check in SAMPLE_CHECKS for side in SideName]
    assert {probe.result.state for probe in probes} == {expected}


def test_a_fixed_text_that_one_replica_lacks_breaks_in_every_try(world: GateWorld) -> None:
    """A second write would meet the other replica, and then both would have it."""
    turns: defaultdict[tuple[str, ...], count[int]] = defaultdict(count)
    world.state = "memory"
    world.share = lambda members, _: members[next(turns[tuple(members)]) % len(members)]
    check = Check(
        name="a note",
        kind=CheckKind.VALUE,
        write=Step(method="PUT", path="/state/notes/hello"),
        read=Step(method="GET", path="/state/notes/hello", expect=Expected(contains="hello")),
    )
    runner = a_runner(world)

    states = [probe.result.state for _ in range(6) for probe in runner.probe([check])]

    assert states == [ProbeState.BREAKS] * 12


def test_an_edge_has_no_speed_of_other_cores() -> None:
    edge = Edge(
        members=(), host=None, harness_cpu_s=0.0, pulse={0: (1.0, 2.0, 0.5), 1: (3.0, 4.0, 0.5)}
    )

    assert _on(edge, 1).pulse == {1: (3.0, 4.0, 0.5)}


def test_the_replicas_of_both_sides_are_asked_the_requests_of_the_load(world: GateWorld) -> None:
    probes = a_runner(world).ask_servers()

    asked = {(probe.side, probe.result.check, probe.result.state) for probe in probes}
    assert asked == {(side, f"GET {PLAN.path}", ProbeState.OK) for side in SideName}
    for probe in probes:
        assert all(name.startswith(probe.side) for name in probe.result.right)
        assert len(probe.result.right) == 2


def test_requests_that_share_a_check_are_one_try_of_it(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a note that head's other replica does not know is not hidden by one that it knows."""
    states = (ProbeState.OK, ProbeState.BREAKS, ProbeState.OK)
    results = tuple(make_probe(SideName.HEAD, state, check="GET /notes").result for state in states)
    monkeypatch.setattr(Undeclared, "examine", lambda *_, **__: results)

    probes = a_runner(world).ask_servers()

    assert [(each.side, each.result.state) for each in probes] == [
        (side, ProbeState.BREAKS) for side in SideName
    ]


def test_a_gate_says_that_it_starts_no_further_server(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = []

    class Checks:
        def __init__(self, *given: Any) -> None:
            reasons.append(given[-1].no_start)

        def examine(self, *_: Any, **__: Any) -> tuple[()]:
            return ()

    monkeypatch.setattr(scaling_blocks, "Undeclared", Checks)

    a_runner(world).ask_servers()

    assert reasons == [NO_START] * 2


def test_a_try_asks_both_versions_the_same_and_the_next_one_something_else(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise six tries are one draw, and chance decides once which version is asked worse."""
    seeds: list[str] = []
    versions: list[str] = []

    def examine(_: Undeclared, subject: Subject, **__: Any) -> tuple[()]:
        seeds.append(subject.seed)
        versions.append(subject.version)
        return ()

    monkeypatch.setattr(Undeclared, "examine", examine)
    runner = a_runner(world)

    for number in (1, 2):
        runner.ask_servers(number=number)

    one, same, other, same_as_other = seeds
    assert one == same
    assert other == same_as_other
    assert one != other
    assert versions == [*SideName, *SideName]
