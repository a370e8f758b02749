"""One worker model of a gate, on a stack in memory."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.gate.analysis import aa_noise
from loadtests.gate.model.vocabulary import GateVerdict
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, slower_head
from tests.loadtests.gate.whole_gates import Gates


def test_each_worker_model_has_a_stack_of_its_own(gates: Gates, world: GateWorld) -> None:
    result = gates.run(options={"workers": ("gthread", "sync"), "scaling": False})

    assert {pair.worker for pair in result.evidence.pairs} == {"gthread", "sync"}
    assert gates.said.count("Taking the stack down") == 2
    assert result.verdict is GateVerdict.PASS


def test_calibration_measures_the_same_starts_again(gates: Gates) -> None:
    result = gates.run(options={"scaling": False}, calibrate=True)

    starts = {pair.base_start for pair in result.evidence.pairs}
    assert len(result.evidence.pairs) == aa_noise.STARTS * aa_noise.REPEATS
    assert len(starts) == aa_noise.STARTS


def test_a_start_that_was_replaced_meanwhile_makes_the_gate_invalid(
    gates: Gates, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = iter(["first", *["other"] * 9])
    monkeypatch.setattr(
        FakeGateStack, "identities", lambda _: {"base-a-1": next(replaced), "proxy": "a proxy"}
    )

    result = gates.run()

    assert result.evidence.replaced == ("base-a-1",)
    assert result.verdict is GateVerdict.INVALID


def test_so_does_one_that_came_up_for_a_later_look(
    gates: Gates, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[set[str]] = []

    def identities(stack: FakeGateStack) -> dict[str, str]:
        names = {replica.name for replica in stack.replicas}
        calls.append(names)
        born = {name: next(i for i, seen in enumerate(calls) if name in seen) for name in names}
        # Each start that came after the first ones is replaced once it has answered.
        return {name: "other" if 0 < at < len(calls) - 1 else "first" for name, at in born.items()}

    def unclear(order: Order, members: Sequence[str]) -> float:
        loss = 0.1 * (int(members[0].rpartition("-")[2]) % 2)
        rate: float = slower_head(loss)(order, members)
        return rate

    monkeypatch.setattr(FakeGateStack, "identities", identities)
    world.rps = unclear

    result = gates.run()

    later = set(result.evidence.replaced)
    assert later
    assert not later & calls[0]
