"""The profile of a gate: which starts are sampled, under what load, and what is said without it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis.profiles.function_pairs import owners_of, pairs_of
from loadtests.environments.keep_awake import Awake
from loadtests.gate.measurement.generator_pool import GeneratorPool
from loadtests.gate.model.evidence import Evidence, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.profiling import profiler
from loadtests.gate.profiling.profiler import FunctionProfiler, is_wanted, with_profile
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.profiles.recording import Sampled
from loadtests.measurement.profiles.trials import ELSEWHERE, NO_PROCESSES
from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.functions import FunctionProfile
from loadtests.model.profiles.records import Frame
from loadtests.model.tested.in_force import ServerProcess
from loadtests.tools import procfs, py_spy
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, slower_head
from tests.loadtests.gate.builders import make_evidence, make_gate_plan

PLAN = make_gate_plan(profile=True)
LOAD = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)
EVIDENCE = Evidence(loads=(LOAD,))

STACK = (
    Frame(file="/venv/lib/python3.13/site-packages/gunicorn/workers/x.py", line=1, name="handle"),
    Frame(file="/srv/shop/search.py", line=2, name="rank"),
)


class FakeRecording:
    """Samplers that see the same stack in each process."""

    made: list[FakeRecording]

    def __init__(
        self,
        program: str,
        processes: Callable[[], Sequence[Sampled]],
        *,
        rate_hz: int,
        seconds: int,
    ) -> None:
        self._asked, self.rate_hz = processes, rate_hz
        self.processes: Sequence[Sampled] = ()
        self.did: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        self.processes = self._asked()
        self.did.append("start")

    def stop(self) -> None:
        self.did.append("stop")

    def close(self) -> None:
        self.did.append("close")

    def stacks_of(self, member: str) -> dict[tuple[Frame, ...], int]:
        return {STACK: 30} if member in {sampled.member for sampled in self.processes} else {}


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[FakeRecording]:
    FakeRecording.made = []
    monkeypatch.setattr(profiler, "Recording", FakeRecording)
    monkeypatch.setattr(profiler, "read_text", lambda *_: "def rank():\n    return 1\n")
    monkeypatch.setattr(py_spy, "find_program", lambda: "py-spy")
    monkeypatch.setattr(py_spy, "dump", lambda *_: ())
    return FakeRecording.made


class LocalStack(FakeGateStack):
    """A stack on this machine."""

    host_cores = (0, 1)  # type: ignore[assignment]


def a_world() -> GateWorld:
    watching, serving = (
        ServerProcess(pid=pid, parent=parent, threads=1, command="gunicorn")
        for pid, parent in ((10, 1), (11, 10))
    )
    return GateWorld(rps=slower_head(0.0), processes=lambda _: (watching, serving))


def profiled(
    world: GateWorld,
    here: Path,
    *,
    stack_class: type[FakeGateStack] = LocalStack,
    starts: int = 16,
    plan: GatePlan = PLAN,
) -> FunctionProfile:
    stack = stack_class(world, plan)
    stack.grow(starts)
    agents = {
        (lane, side): Agent(stack.start_generator())
        for lane in range(len(PLAN.cores))
        for side in SideName
    }
    pool = GeneratorPool(stack, "gthread", agents, Awake(None))
    said: list[str] = []
    return FunctionProfiler(stack, plan, "gthread", pool, EVIDENCE, said.append).profile(here)


def test_twelve_starts_of_each_version_are_sampled_from_the_other_core(
    recordings: list[FakeRecording], tmp_path: Path
) -> None:
    world = a_world()
    profile = profiled(world, tmp_path)

    assert [(start.side, start.pair) for start in profile.starts[:4]] == [
        *(("base", 1), ("head", 1), ("base", 2), ("head", 2)),
    ]
    assert len(profile.starts) == 24
    assert len(recordings) == profiler.STEPS
    assert all(recording.did == ["start", "stop", "close"] for recording in recordings)
    # Only the process that serves; each lane's from the core of the other lane.
    assert recordings[0].processes == [
        Sampled(member=f"{side}-{lane}-1", pid=11, cores=(core,))
        for lane, core in (("a", 1), ("b", 0))
        for side in ("base", "head")
    ]
    assert profile.rate_hz == 1500
    assert world.done[1] == "allow base-a-1,head-a-1,base-b-1,head-b-1 1 CPU"


def test_requests_come_evenly_to_both_starts_of_a_pair_and_in_turns(
    recordings: list[FakeRecording], tmp_path: Path
) -> None:
    world = a_world()
    profiled(world, tmp_path)

    orders = [order for order in world.trials if order["id"].startswith("f")]
    seeds = {order["id"]: (order["seed"], order["rate_rps"]) for order in orders}
    assert seeds["f001-base"] == seeds["f001-head"] != seeds["f002-head"]
    assert seeds["f001-base"][1] == 90.0
    assert seeds["f002-base"] == (seeds["f002-head"][0], 83.7)  # another lane
    assert (
        len({order["starts_at_s"] for order in orders if order["id"][:4] in {"f001", "f002"}}) == 1
    )
    assert {order["arrivals"] for order in orders} == {"constant"}
    shifts = [order["shift_s"] for order in orders if order["id"].startswith("f001")]
    assert sorted(shifts) == [0.0, pytest.approx(0.5 / 90.0)]


def test_a_decorator_is_passed_over_for_the_application_of_the_target(
    recordings: list[FakeRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, view = (
        Frame(file=f"/venv/lib/python3.13/site-packages/{package}/views.py", line=2, name="rank")
        for package in ("acme_guard", "shop")
    )
    monkeypatch.setattr(FakeRecording, "stacks_of", lambda *_: {(STACK[0], guard, view): 30})
    plan = replace(PLAN, tested=replace(PLAN.tested, application="shop.wsgi:app"))

    profile = profiled(a_world(), tmp_path, plan=plan)

    assert {function.file for function in profile.functions} == {view.file}


def test_functions_and_counts_are_kept(recordings: list[FakeRecording], tmp_path: Path) -> None:
    profile = profiled(a_world(), tmp_path)

    assert [(each.file, each.name, each.line) for each in profile.functions] == [
        ("/srv/shop/search.py", "rank", 1)
    ]
    assert {start.samples for start in profile.starts} == {((0, 30),)}
    assert all(start.requests and start.cpu_us_per_request for start in profile.starts)


def test_fewer_starts_give_fewer_steps(recordings: list[FakeRecording], tmp_path: Path) -> None:
    assert len(profiled(a_world(), tmp_path, starts=4).starts) == 8


def test_a_stack_on_another_machine_is_said(
    recordings: list[FakeRecording], tmp_path: Path
) -> None:
    profile = profiled(a_world(), tmp_path, stack_class=FakeGateStack)

    assert ELSEWHERE in profile.unseen
    assert recordings == []


def test_a_start_without_processes_is_said(recordings: list[FakeRecording], tmp_path: Path) -> None:
    assert NO_PROCESSES in profiled(GateWorld(rps=slower_head(0.0)), tmp_path).unseen


def test_without_the_right_to_look_it_says_how_to_get_it_and_loads_nothing(
    recordings: list[FakeRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise ProcessFailure("`py-spy` ended with code 1", output="Permission denied")

    monkeypatch.setattr(py_spy, "dump", refused)
    world = a_world()

    assert profiled(world, tmp_path).unseen == py_spy.NO_RIGHT
    assert world.trials == []


def test_a_sampler_that_fails_is_said_and_closed(
    recordings: list[FakeRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: FakeRecording, member: str) -> None:
        raise ProcessFailure("py-spy wrote no samples", output="Error: No such process")

    monkeypatch.setattr(FakeRecording, "stacks_of", nothing)

    assert "No such process" in profiled(a_world(), tmp_path).unseen
    assert recordings[0].did[-1] == "close"


def test_a_start_whose_process_ended_loses_its_own_samples_and_no_others(
    recordings: list[FakeRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stacks_of(_: FakeRecording, member: str) -> dict[tuple[Frame, ...], int]:
        if member == "head-b-1":
            raise ProcessFailure("py-spy wrote no samples", output="Error: No such process")
        return {STACK: 30}

    monkeypatch.setattr(FakeRecording, "stacks_of", stacks_of)

    profile = profiled(a_world(), tmp_path)

    assert profile.unseen == ""
    lost = [(start.pair, start.side) for start in profile.starts if not start.samples]
    assert lost == [(2, "head")]
    assert len(pairs_of(profile, owners_of(profile))) == 11


def test_processes_that_were_replaced_are_listed_again_when_the_window_opens(
    recordings: list[FakeRecording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, replaced = {11}, {12}

    def processes(_: str) -> tuple[ServerProcess, ...]:
        pids = (10, *(replaced if recordings else alive))
        return tuple(
            ServerProcess(pid=pid, parent=1 if pid == 10 else 10, threads=1, command="gunicorn")
            for pid in pids
        )

    monkeypatch.setattr(procfs, "facts_of", lambda pid: pid in replaced or None)

    profiled(GateWorld(rps=slower_head(0.0), processes=processes), tmp_path)

    assert {sampled.pid for sampled in recordings[0].processes} == {12}


def test_the_processors_modes_of_a_process_that_went_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(procfs, "modes_of", lambda pid: {11: (90, 30), 12: (0, 0)}[pid])

    assert profiler._user_ratio({11: (30, 10)}, [11]) == 0.75
    assert profiler._user_ratio({11: (30, 10), 12: (20, 5)}, [11, 12]) is None


@pytest.mark.parametrize(
    ("profile", "change", "wanted"),
    [
        (True, 0.0, True),
        (False, math.log(0.9), False),
        (None, 0.0, False),
        (None, math.log(0.9), True),
        (None, math.log(1.2), True),
    ],
)
def test_it_is_wanted_where_asked_or_where_something_changed(
    profile: bool | None, change: float, wanted: bool
) -> None:
    plan = make_gate_plan(profile=profile)

    assert is_wanted(plan, make_evidence(plan, change=change), "gthread") is wanted


def test_a_later_profile_takes_the_place_of_an_earlier_one() -> None:
    old, other = FunctionProfile(worker="gthread"), FunctionProfile(worker="sync")
    new = replace(old, unseen="Why.")

    assert with_profile(Evidence(profiles=(old, other)), new).profiles == (other, new)
