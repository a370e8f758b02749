"""The users that saturate one start of base, on a stack in memory."""

from __future__ import annotations

import pytest

from loadtests.environments.keep_awake import Awake
from loadtests.gate.measurement.calibration import Calibrator
from loadtests.gate.measurement.generator_pool import ALONE, GeneratorPool
from loadtests.measurement.generator_client import Agent
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_gate_plan

PLAN = make_gate_plan()


def windows_s(throttled_ratio: float, *, slots: int | None = None) -> list[float]:
    """Give the windows of a calibration at four answers a second."""
    world = GateWorld(rps=lambda *_: 4.0, throttled_ratio=throttled_ratio)
    stack = FakeGateStack(world, PLAN)
    stack.grow(2)
    pool = GeneratorPool(stack, "gthread", {ALONE: Agent(stack.start_generator())}, Awake(None))

    Calibrator(PLAN, "gthread", pool, world.replicas["base-a-1"]).load(slots, step=1)

    return [order["window_s"] for order in world.trials]


def test_few_answers_are_measured_again_and_longer() -> None:
    assert windows_s(0.0) == [1.0, 1.0, 25.0, 25.0]


def test_where_cpu_is_used_up_more_users_gain_nothing_for_certain() -> None:
    assert windows_s(1.0) == [1.0, 1.0]


def test_as_many_users_as_slots_are_believed_where_they_only_wait_for_answers() -> None:
    assert windows_s(0.0, slots=2) == [1.0, 1.0]


def test_users_who_may_pause_are_measured_again_although_the_slots_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They leave slots idle, and as many answers as before would end the search by chance."""
    monkeypatch.setattr(GeneratorPool, "may_pause", True)

    assert windows_s(0.0, slots=2) == [1.0, 1.0, 25.0, 25.0]


@pytest.mark.parametrize(
    ("asked", "may_pause"),
    [
        (None, False),
        (Workload(name="list", path="/", requests=(RequestSpec(method="GET", path="/"),)), False),
        (Workload(name="file", path="/", locustfile=Locustfile(path="/locustfile.py")), True),
    ],
)
def test_only_the_users_of_a_locustfile_may_pause(
    asked: Workload | None, *, may_pause: bool
) -> None:
    pool = GeneratorPool(FakeGateStack(GateWorld(), PLAN), "gthread", {}, Awake(None), asked=asked)

    assert pool.may_pause is may_pause
