"""Starts side by side: readiness, the search for users, and the windows of a pair."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.environments.keep_awake import Awake
from loadtests.gate.measurement.generator_pool import GeneratorPool
from loadtests.gate.measurement.pair_runner import PairRunner
from loadtests.gate.model.evidence import WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import Mode, SideName
from loadtests.gate.plan import pair_windows, twin_s
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.readiness import READY_LIMIT_S
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import MOST_USERS
from loadtests.tools import proc
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, slower_head
from tests.loadtests.gate.builders import make_gate_plan

PLAN = make_gate_plan()
LOAD = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)


@pytest.fixture
def world() -> GateWorld:
    return GateWorld(rps=slower_head(0.1))


def a_runner(world: GateWorld, plan: GatePlan = PLAN, *, starts: int = 4) -> PairRunner:
    stack = FakeGateStack(world, plan)
    stack.grow(starts)
    agents = {
        (lane, side): Agent(stack.start_generator())
        for lane in range(len(plan.cores))
        for side in SideName
    }
    return PairRunner(stack, plan, "gthread", GeneratorPool(stack, "gthread", agents, Awake(None)))


# -- readiness ---------------------------------------------------------------------------------


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = iter(range(10**6))
    monkeypatch.setattr(proc, "monotonic_s", lambda: float(next(moment)))
    monkeypatch.setattr(proc, "sleep", lambda _: None)


def test_starts_that_all_answer_are_held_to_their_budget(world: GateWorld) -> None:
    a_runner(world).wait_ready()

    assert world.done == ["grow 4", "hold"]


@pytest.mark.usefixtures("fast_clock")
def test_a_start_that_never_answers_is_named_with_its_address_and_its_log(
    world: GateWorld,
) -> None:
    world.down = {"head-a-1", "head-b-1"}

    with pytest.raises(EnvironmentFailure) as failure:
        a_runner(world).wait_ready()

    message = str(failure.value)
    assert message.startswith("head-a-1 (and 1 more starts) did not answer at 10.1.1.1:8000 in")
    assert "Does head listen on that port, on all addresses?" in message
    assert "raise --start-limit (now 90 s)" in message
    assert message.endswith("the log of head-a-1")
    assert "hold" not in world.done


@pytest.mark.usefixtures("fast_clock")
def test_once_one_start_has_answered_the_others_have_less_time(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waited_s(*down: str) -> float:
        """Let all be down when they are first asked, and then only these."""
        world.down = set(everyone)
        monkeypatch.setattr(FakeGateStack, "ended", lambda _: world.down.intersection_update(down))
        began_s = proc.monotonic_s()
        with pytest.raises(EnvironmentFailure):
            a_runner(world).wait_ready()
        return proc.monotonic_s() - began_s

    everyone = [
        f"{side}-{lane}-{number}" for side in SideName for lane in "ab" for number in (1, 2)
    ]

    assert waited_s("head-a-1") < READY_LIMIT_S / 2
    assert waited_s(*everyone) > READY_LIMIT_S


@pytest.mark.usefixtures("fast_clock")
def test_a_head_that_is_slower_only_to_start_has_all_the_time(world: GateWorld) -> None:
    """Base is ready at once, and none of head is."""
    world.down = {f"head-{lane}-{number}" for lane in "ab" for number in (1, 2)}
    began_s = proc.monotonic_s()

    with pytest.raises(EnvironmentFailure, match="head-a-1"):
        a_runner(world).wait_ready()

    assert proc.monotonic_s() - began_s > READY_LIMIT_S


@pytest.mark.usefixtures("fast_clock")
def test_a_start_that_has_ended_is_told_before_the_time_is_up(world: GateWorld) -> None:
    world.down = {"head-a-1"}
    world.ended = "A start of head (head-a-1) ended with code 3."

    with pytest.raises(EnvironmentFailure, match="ended with code 3"):
        a_runner(world).wait_ready()


def test_starts_that_come_later_are_waited_for_too_and_only_they(world: GateWorld) -> None:
    runner = a_runner(world)
    runner.wait_ready()
    world.down = {"base-a-1"}  # busy, and has answered before

    runner.wait_ready()

    assert world.done.count("hold") == 2


def test_a_base_that_does_not_answer_what_is_measured_is_told(world: GateWorld) -> None:
    runner = a_runner(world)
    runner.check_load()
    world.down = {"base-a-1"}

    with pytest.raises(EnvironmentFailure, match="base answers /cpu with refused"):
        runner.check_load()


# -- how much load -----------------------------------------------------------------------------


def test_users_double_until_one_start_of_base_gains_nothing(world: GateWorld) -> None:
    world.rps = lambda order, _: 10.0 * min(order["users"], 8)

    load = a_runner(world).calibrate(4)

    assert [order["users"] for order in world.trials] == [4, 8, 16]
    assert {order["base_url"] for order in world.trials} == {"http://10.1.0.1:8000"}
    assert (load.users, load.gain_ratio) == (16, 0.0)
    assert load.rate_rps == pytest.approx(0.6 * 80, rel=0.02)


def test_users_do_not_grow_for_ever(world: GateWorld) -> None:
    world.rps = lambda order, _: 10.0 * order["users"]

    load = a_runner(world).calibrate(4)

    assert load.users == MOST_USERS
    assert load.gain_ratio == pytest.approx(1.0, abs=0.05)


def test_a_step_without_an_answer_is_measured_again_and_longer(world: GateWorld) -> None:
    world.rps = lambda order, _: 8.0 if order["window_s"] > 2 else 1e-9

    load = a_runner(world).calibrate(4)

    steps = [(order["users"], order["window_s"]) for order in world.trials]
    assert steps == [(4, 1.0), (4, 4.0), (8, 1.0), (8, 4.0)]
    assert load.users == 8


def test_a_base_of_which_no_request_succeeds_cannot_be_compared_with(world: GateWorld) -> None:
    world.rps = lambda *_: 1e-9

    with pytest.raises(EnvironmentFailure, match="No request to base succeeded"):
        a_runner(world).calibrate(4)


# -- side by side ------------------------------------------------------------------------------


def test_pairs_are_measured_at_once_one_on_each_core(world: GateWorld) -> None:
    first, second = a_runner(world).pairs([1, 2], LOAD, before=0)

    assert (first.base_start, second.head_start) == (
        "base-a-1 of this stack",
        "head-b-1 of this stack",
    )
    assert [window.core for window in first.windows] == [PLAN.cores[0]] * 3
    assert [window.core for window in second.windows] == [PLAN.cores[1]] * 3
    assert [window.mode for window in first.windows].count(Mode.OPEN) == 2


def test_both_sides_of_a_pair_are_loaded_over_the_same_seconds(world: GateWorld) -> None:
    (pair,) = a_runner(world).pairs([1], LOAD, before=0)

    assert {window.mode for window in pair.windows} == set(Mode)
    for window in pair.windows:
        if window.mode is Mode.CLOSED:
            assert window.head.throughput_rps == pytest.approx(
                0.9 * window.base.throughput_rps, rel=0.02
            )
            assert window.base.cpu_us_per_request is not None
            assert window.head.cpu_us_per_request == pytest.approx(
                window.base.cpu_us_per_request / 0.9, rel=0.05
            )
        else:
            assert window.rate_rps == LOAD.rate_rps
            assert window.head.p50_ms == window.base.p50_ms == 20.0


def test_open_windows_have_the_same_arrivals_one_side_half_a_gap_later(world: GateWorld) -> None:
    a_runner(world).pairs([1], LOAD, before=0)

    opened = [order for order in world.trials if order.get("mode") == "open"]
    assert opened
    for one, other in zip(opened[::2], opened[1::2], strict=True):
        assert one["seed"] == other["seed"]
        shifts = sorted((one["shift_s"], other["shift_s"]))
        assert shifts == [0.0, pytest.approx(0.5 / LOAD.rate_rps)]


def test_the_side_that_is_first_is_told_first(world: GateWorld) -> None:
    a_runner(world).pairs([1], LOAD, before=0)

    firsts = [order["id"].rpartition("-")[2] for order in world.trials[::2]]
    specs = pair_windows(PLAN, "gthread", 1)
    assert firsts == ["base" if spec.base_first else "head" for spec in specs]
    assert twin_s(specs[0], SideName(firsts[0]), LOAD.rate_rps) == 0.0


def test_pairs_of_a_later_session_are_on_the_first_of_its_starts(world: GateWorld) -> None:
    (pair,) = a_runner(world).pairs([17], LOAD, before=16)

    assert (pair.number, pair.base_start) == (17, "base-a-1 of this stack")


def test_what_others_took_is_told_of_each_window(world: GateWorld) -> None:
    world.foreign = lambda _: 0.05

    (pair,) = a_runner(world).pairs([1], LOAD, before=0)

    # Each side's load adds its own to the machine's.
    assert [window.foreign_ratio for window in pair.windows] == [pytest.approx(0.1, abs=0.03)] * 3


def test_a_closed_load_of_slow_answers_settles_for_longer(world: GateWorld) -> None:
    slow = replace(LOAD, rate_rps=1.2)

    a_runner(world).pairs([1], slow, before=0)

    settled = {order["settle_s"] for order in world.trials if order.get("mode") != "open"}
    assert min(settled) > PLAN.timing.first_settle_s


# -- what base counts itself -------------------------------------------------------------------


def test_the_requests_of_a_pair_are_those_that_base_counts(world: GateWorld) -> None:
    pairs = a_runner(world).pairs([1, 2], LOAD, before=0)

    assert len(pairs) == 2
    for pair in pairs:
        assert pair.base_requests is not None
        assert pair.base_requests.counted == pair.base_requests.sent > 0
        assert pair.base_requests.failed == 0


def test_a_head_that_asks_base_is_seen_in_the_count_of_base(world: GateWorld) -> None:
    def ask_base(_trial: int) -> None:
        world.finished["base-a-1"] = world.finished.get("base-a-1", 0) + 1

    world.before_trial = ask_base
    first, second = a_runner(world).pairs([1, 2], LOAD, before=0)

    assert first.base_requests is not None
    assert second.base_requests is not None
    assert first.base_requests.counted > first.base_requests.sent
    assert second.base_requests.counted == second.base_requests.sent


def test_starts_that_tell_no_count_are_not_asked_again(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def no_counts(_agent: Agent, starts: object) -> dict[str, int]:
        asked.append(1)
        return {}

    monkeypatch.setattr("loadtests.gate.measurement.pair_runner.finished_requests", no_counts)
    runner = a_runner(world)
    pairs = [*runner.pairs([1, 2], LOAD, before=0), *runner.pairs([3, 4], LOAD, before=0)]

    assert [pair.base_requests for pair in pairs] == [None] * 4
    assert len(asked) == 1


@pytest.mark.usefixtures("fast_clock")
def test_starts_have_the_time_that_they_are_given(world: GateWorld) -> None:
    world.down = {
        f"{side}-{lane}-{number}" for side in SideName for lane in "ab" for number in (1, 2)
    }
    began_s = proc.monotonic_s()

    with pytest.raises(EnvironmentFailure, match="did not answer"):
        a_runner(world, make_gate_plan(start_limit_s=600.0)).wait_ready()

    assert proc.monotonic_s() - began_s > 600
