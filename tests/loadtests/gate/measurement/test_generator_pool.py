"""Windows that several generators open together, and the counters at their edges."""

from __future__ import annotations

import os

import pytest

from loadtests.environments.keep_awake import Awake
from loadtests.gate.measurement.generator_pool import ALONE, GeneratorPool, Keep
from loadtests.gate.model.vocabulary import SideName
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import UnusableLoad
from loadtests.model.generator_records import Load
from tests.loadtests.fakes import ScriptedChild
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_gate_plan

PLAN = make_gate_plan()
HEAD = (0, SideName.HEAD)


class Pool:
    """Two generators of one lane."""

    def __init__(self, awake: Awake | None = None, keep: Keep | None = None) -> None:
        self.world = GateWorld()
        self.stack = FakeGateStack(self.world, PLAN)
        self.stack.grow(2)
        self.children = {key: self.stack.start_generator() for key in (ALONE, HEAD)}
        agents = {key: Agent(child) for key, child in self.children.items()}
        self.pool = GeneratorPool(self.stack, "gthread", agents, awake or Awake(None), keep)


def load_on(member: int, side: SideName) -> Load:
    return Load(
        id=f"p001-0-{side}",
        base_url=f"http://10.1.{list(SideName).index(side)}.{member}:8000",
        path="/cpu",
        users=4,
        settle_s=0.3,
        window_s=1.0,
        drain_limit_s=15.0,
    )


BOTH = [(ALONE, load_on(1, SideName.BASE)), (HEAD, load_on(1, SideName.HEAD))]


def test_loads_are_put_on_at_once_and_the_edges_are_those_of_their_windows() -> None:
    pool = Pool()

    done, opened, closed = pool.pool.open(BOTH)

    assert [each.finished.id for each in done] == ["p001-0-base", "p001-0-head"]
    assert {each.finished.opened_at_s for each in done} == {opened.members[0].at_s}
    assert {each.finished.closed_at_s for each in done} == {closed.members[0].at_s}


def test_every_member_is_read_at_both_edges() -> None:
    pool = Pool()

    _, opened, closed = pool.pool.open(BOTH)

    names = {"base-a-1", "base-b-1", "head-a-1", "head-b-1", "proxy", "generator", "metronome"}
    assert {reading.member for reading in opened.members} == names
    assert {reading.member for reading in closed.members} == names


@pytest.mark.parametrize("awake", [True, False])
def test_the_metronome_is_believed_only_while_its_cores_are_kept_awake(*, awake: bool) -> None:
    """As in a run: a replica that keeps its core from sleep makes the metronome faster."""
    pool = Pool(Awake(os.getpid() if awake else None))
    metronome = Metronome(pool.stack.start_metronome())

    _, opened, closed = pool.pool.open(BOTH, metronome)

    assert (opened.pulse is not None) is awake
    assert (closed.pulse is not None) is awake


def test_without_a_metronome_no_speed_is_known() -> None:
    _, opened, _ = Pool(Awake(os.getpid())).pool.open(BOTH)

    assert opened.pulse is None


def test_samples_are_kept_by_worker_model_and_load() -> None:
    kept: dict[str, bytes] = {}

    done, _, _ = Pool(keep=kept.__setitem__).pool.open(BOTH)

    assert kept == {
        "gthread-p001-0-base": done[0].samples,
        "gthread-p001-0-head": done[1].samples,
    }


def test_what_one_generator_can_do_is_asked_of_the_first() -> None:
    pool = Pool()

    pool.pool.agent.fetch(["http://10.1.0.1:8000/healthz"])

    first, second = pool.children.values()
    assert isinstance(first, ScriptedChild)
    assert isinstance(second, ScriptedChild)
    assert (len(first.sent), len(second.sent)) == (1, 0)


def test_a_generator_whose_users_began_can_be_asked_again_where_anothers_did_not() -> None:
    pool = Pool()

    def end(_: int) -> None:
        if pool.world.trials[-1]["id"].endswith("-head"):
            raise UnusableLoad("Users end before their first task.")

    pool.world.before_trial = end

    with pytest.raises(UnusableLoad, match=r"^On head: Users end"):
        pool.pool.rehearse(BOTH[::-1])
    (answer,) = pool.pool.agent.fetch(["http://10.1.0.1:8000/healthz"])

    assert answer.status == 200
