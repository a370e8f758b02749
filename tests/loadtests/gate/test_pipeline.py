"""A whole gate on a stack in memory, from its options to its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.guards import machine_lock
from loadtests.gate import result_files
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.model.consistency import ProbeKind
from loadtests.model.errors import EnvironmentFailure, Interrupted, UsageError
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import GateWorld, slower_head
from tests.loadtests.gate.whole_gates import Gates, verdicts


def test_two_equal_versions_pass_at_the_first_looks(gates: Gates, world: GateWorld) -> None:
    result = gates.run()

    assert result.verdict is GateVerdict.PASS
    assert (len(result.evidence.pairs), len(result.evidence.blocks)) == (16, 8)
    assert world.done[:2] == ["grow 16", "hold"]
    assert world.open == 0


def test_a_slower_head_has_regressed_in_throughput_and_in_cpu(
    gates: Gates, world: GateWorld
) -> None:
    world.rps = slower_head(0.1)

    result = gates.run()

    assert result.verdict is GateVerdict.REGRESSED
    assert verdicts(result)[EndpointName.THROUGHPUT] is GateVerdict.REGRESSED
    assert verdicts(result)[EndpointName.CPU] is GateVerdict.REGRESSED
    assert verdicts(result)[EndpointName.P50] is GateVerdict.PASS
    (throughput,) = (e for e in result.endpoints if e.endpoint is EndpointName.THROUGHPUT)
    assert throughput.change.estimate == pytest.approx(-0.1, abs=0.01)


def test_a_head_that_waits_longer_has_regressed_in_its_median(
    gates: Gates, world: GateWorld
) -> None:
    world.wait_ms = lambda _, members, due_s: (
        (26.0 if members[0].startswith("head") else 20.0) + 0.0 * due_s
    )

    assert verdicts(gates.run())[EndpointName.P50] is GateVerdict.REGRESSED


def test_a_head_whose_second_replica_brings_less_has_regressed_in_scaling(
    gates: Gates, world: GateWorld
) -> None:
    world.rps = lambda _, members: (
        100.0 * (1.5 if len(members) == 2 and members[0].startswith("head") else len(members))
    )

    assert verdicts(gates.run())[EndpointName.SCALING] is GateVerdict.REGRESSED


def test_replicas_that_keep_state_to_themselves_give_wrong_answers(
    gates: Gates, world: GateWorld
) -> None:
    world.state = "memory"

    states = {
        probe.result.state.value
        for probe in gates.run().evidence.probes
        if probe.result.kind is ProbeKind.DECLARED
    }

    assert states == {"breaks"}


def test_a_gate_leaves_its_files(gates: Gates) -> None:
    gates.run()

    names = {path.name for path in gates.folder.iterdir()}
    assert names == {"verdict.json", "report.html", "report.md", "junit.xml"}
    assert result_files.read(gates.folder) == result_files.read(gates.folder / "verdict.json")


def test_samples_are_kept_where_they_are_asked_for(gates: Gates) -> None:
    gates.run(keep_samples=True)

    samples = {path.name for path in (gates.folder / "samples").iterdir()}
    assert {"gthread-p001-0-base.npz", "gthread-b001-head-2.npz"} <= samples


def test_the_same_seed_gives_the_same_windows(tmp_path: Path, world: GateWorld) -> None:
    def orders(results: Path, seed: int) -> list[Order]:
        world.trials.clear()
        Gates(results).run(seed=seed)
        return list(world.trials)

    first = orders(tmp_path / "first", 7)

    assert orders(tmp_path / "again", 7) == first
    assert orders(tmp_path / "other", 8) != first


def test_what_is_appended_comes_behind_what_there_is(gates: Gates, tmp_path: Path) -> None:
    before = gates.run()
    before = replace(before, evidence=replace(before.evidence, blocks=before.evidence.blocks[:4]))

    after = Gates(tmp_path / "more").run(append=before)

    assert after.evidence.sessions == 2
    assert after.evidence.pairs == before.evidence.pairs
    assert after.evidence.blocks[:4] == before.evidence.blocks
    assert len(after.evidence.blocks) == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"workload": "/other"}, "--append continues gate-"),
        ({"margin": 0.1}, "others now: the margins"),
        ({"head": "another"}, "its head was image sha256:default head and is now sha256:another"),
        ({"base_environment": {"A": "1"}}, "or has other variables"),
    ],
)
def test_evidence_of_something_else_is_not_added(
    gates: Gates, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    before = gates.run()

    with pytest.raises(UsageError, match=said):
        Gates(tmp_path / "more").run(options=changed, append=before)


@pytest.mark.parametrize("trouble", [Interrupted(2), EnvironmentFailure("the engine is gone")])
def test_whatever_happens_what_was_measured_is_kept_and_the_stack_comes_down(
    gates: Gates, world: GateWorld, trouble: Exception
) -> None:
    def fail(number: int) -> None:
        if number > 60:
            raise trouble

    world.before_trial = fail

    with pytest.raises(type(trouble)):
        gates.run()

    written = json.loads((gates.folder / result_files.VERDICT).read_text())
    assert written["evidence"]["pairs"]
    assert not written["facts"]["finished"]
    assert (gates.folder / result_files.REPORT).is_file()
    assert world.open == 0


def test_a_start_that_ends_before_it_answers_ends_the_gate(gates: Gates, world: GateWorld) -> None:
    world.ended = f"A start of {SideName.HEAD} (head-a-1) ended with code 3."
    world.down = {"head-a-1"}

    with pytest.raises(EnvironmentFailure, match="ended with code 3"):
        gates.run()


def test_versions_are_looked_for_before_another_run_is_waited_for(
    gates: Gates, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong name need not wait; an image is pulled only when nothing else measures."""

    def held(*_: Any, **__: Any) -> Any:
        raise EnvironmentFailure("another run measures")

    monkeypatch.setattr(machine_lock, "held", held)
    with pytest.raises(EnvironmentFailure, match="another run"):
        gates.run()

    assert world.pulls == [False]
