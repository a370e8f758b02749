"""The counters at a window's edge, and whether the metronome is believed."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from loadtests.environments.keep_awake import Awake
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.window_edges import check_clocks, read_edge
from loadtests.model.errors import GeneratorFailure
from loadtests.model.generator_records import Edge, Finished
from loadtests.model.stack import NodesSeen
from tests.loadtests.analysis.raw_trials import a_reading, an_edge
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import FakeStack, World, finished_event

PLAN = make_plan(workers=("gthread",), replica_counts=(1, 2))


def test_replicas_and_services_are_read_and_a_store_where_there_is_one() -> None:
    names = ["gthread-1", "gthread-2", "proxy", "generator", "metronome"]

    without = read_edge(FakeStack(World(), PLAN), Awake(None), None)
    with_store = read_edge(FakeStack(World(), replace(PLAN, with_store=True)), Awake(None), None)

    assert [reading.member for reading in without.members] == names
    assert [reading.member for reading in with_store.members] == [*names, "store"]
    assert without.host is not None


@pytest.mark.parametrize("awake", [True, False])
def test_the_metronome_is_believed_only_while_its_cores_are_kept_awake(*, awake: bool) -> None:
    stack = FakeStack(World(), PLAN)
    metronome = Metronome(stack.start_metronome())

    edge = read_edge(stack, Awake(os.getpid() if awake else None), metronome)

    assert (edge.pulse is not None) is awake


def test_without_a_metronome_there_is_no_speed() -> None:
    assert read_edge(FakeStack(World(), PLAN), Awake(os.getpid()), None).pulse is None


def test_what_keeps_the_cores_awake_counts_as_the_harness_own() -> None:
    awake = Awake(os.getpid())  # as if this process, which has used some, were it

    edge = read_edge(FakeStack(World(), PLAN), awake, None)

    assert edge.harness_cpu_s > awake.cpu_s() > 0.05


def finished(opened_at_s: float) -> Finished:
    fields = finished_event(opened_at_s=opened_at_s)
    del fields["event"]
    return TypeAdapter(Finished).validate_python(fields)


@pytest.mark.parametrize(("apart_s", "side"), [(60.0, "behind"), (-3600.0, "ahead of")])
def test_a_generator_with_another_clock_is_one_message(apart_s: float, side: str) -> None:
    edge = read_edge(FakeStack(World(now_s=1000.0), PLAN), Awake(None), None)

    with pytest.raises(GeneratorFailure, match=rf"{abs(apart_s):.0f} s {side} this machine's.*NTP"):
        check_clocks(edge, finished(1000.0 - apart_s))


def test_a_machine_that_is_slow_to_read_its_counters_is_no_other_clock() -> None:
    edge = read_edge(FakeStack(World(now_s=1000.0), PLAN), Awake(None), None)

    check_clocks(edge, finished(995.0))
    check_clocks(Edge(members=(), host=None, harness_cpu_s=0.0, pulse=None), finished(1.0))


def test_nodes_are_looked_at_where_a_stack_has_them() -> None:
    seen = NodesSeen(network=(), nodes=())

    class OnNodes(FakeStack):
        def look_at_nodes(self) -> NodesSeen:
            return seen

    assert read_edge(OnNodes(World(), PLAN), Awake(None), None).nodes is seen
    assert read_edge(FakeStack(World(), PLAN), Awake(None), None).nodes is None


def test_idle_controls_are_read_with_the_replicas() -> None:
    class Controlled(FakeStack):
        def idle_controls(self) -> tuple[str, ...]:
            return ("gthread-0",)

    edge = read_edge(Controlled(World(), PLAN), Awake(None), None)

    names = [reading.member for reading in edge.members]
    assert names[:4] == ["gthread-1", "gthread-2", "gthread-0", "proxy"]


def test_a_hook_that_is_slow_to_tell_counters_is_no_other_clock() -> None:
    reading = a_reading(at_s=1020.0, asked_at_s=1000.5, took_s=39.0)

    check_clocks(an_edge(reading), finished(1000.0))
