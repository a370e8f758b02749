"""The users that saturate one start of base, on a stack in memory."""

from __future__ import annotations

from loadtests.environments.keep_awake import Awake
from loadtests.gate.calibration import Calibrator
from loadtests.gate.generator_pool import ALONE, GeneratorPool
from loadtests.measurement.generator_client import Agent
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_gate_plan

PLAN = make_gate_plan()


def windows_s(throttled_ratio: float) -> list[float]:
    """Give the windows of a calibration without known slots, at four answers a second."""
    world = GateWorld(rps=lambda *_: 4.0, throttled_ratio=throttled_ratio)
    stack = FakeGateStack(world, PLAN)
    stack.grow(2)
    pool = GeneratorPool(stack, "gthread", {ALONE: Agent(stack.start_generator())}, Awake(None))

    Calibrator(PLAN, "gthread", pool, world.replicas["base-a-1"]).load(None, step=1)

    return [order["window_s"] for order in world.trials]


def test_few_answers_are_measured_again_and_longer() -> None:
    assert windows_s(0.0) == [1.0, 1.0, 25.0, 25.0]


def test_where_cpu_is_used_up_more_users_gain_nothing_for_certain() -> None:
    assert windows_s(1.0) == [1.0, 1.0]
