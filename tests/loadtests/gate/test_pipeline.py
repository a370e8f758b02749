"""A whole gate on a stack in memory, from its options to its files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.guards import machine_lock
from loadtests.gate import pipeline, result_files
from loadtests.gate.analysis import aa_noise
from loadtests.gate.model import (
    SCHEMA_VERSION,
    EndpointName,
    GateResult,
    GateVerdict,
    SideName,
)
from loadtests.gate.options import GateOptions
from loadtests.gate.pipeline import GateRequest
from loadtests.gate.report import verdict_json
from loadtests.gate.tested import resetting
from loadtests.model.consistency import ProbeKind
from loadtests.model.errors import EnvironmentFailure, Interrupted, UsageError
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind
from tests.checkout import CHECKOUT
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, put_in_memory, slower_head


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0))
    put_in_memory(monkeypatch, made)
    return made


class Gates:
    """Gates whose results are in one folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.said: list[str] = []

    def run(self, *, options: dict[str, Any] | None = None, **request: Any) -> GateResult:
        given: dict[str, Any] = {
            "options": GateOptions(**(options or {})),
            "seed": 1,
            "root": CHECKOUT,
            "here": CHECKOUT,
            "results": self.results,
            "command": "twofold gate",
        }
        result, _ = pipeline.run(GateRequest(**{**given, **request}), self.said.append)
        return result

    @property
    def folder(self) -> Path:
        """The folder of the only gate."""
        (folder,) = self.results.glob("gate-*")
        return folder


@pytest.fixture
def gates(tmp_path: Path, world: GateWorld) -> Gates:
    return Gates(tmp_path)


def verdicts(result: GateResult) -> dict[EndpointName, GateVerdict]:
    return {endpoint.endpoint: endpoint.verdict for endpoint in result.endpoints}


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


def test_each_worker_model_has_a_stack_of_its_own(gates: Gates, world: GateWorld) -> None:
    result = gates.run(options={"workers": ("gthread", "sync"), "scaling": False})

    assert {pair.worker for pair in result.evidence.pairs} == {"gthread", "sync"}
    assert gates.said.count("Taking the stack down") == 2
    assert result.verdict is GateVerdict.PASS


def test_the_same_seed_gives_the_same_windows(tmp_path: Path, world: GateWorld) -> None:
    def orders(results: Path, seed: int) -> list[Order]:
        world.trials.clear()
        Gates(results).run(seed=seed)
        return list(world.trials)

    first = orders(tmp_path / "first", 7)

    assert orders(tmp_path / "again", 7) == first
    assert orders(tmp_path / "other", 8) != first


def test_calibration_measures_the_same_starts_again(gates: Gates) -> None:
    result = gates.run(options={"scaling": False}, calibrate=True)

    starts = {pair.base_start for pair in result.evidence.pairs}
    assert len(result.evidence.pairs) == aa_noise.STARTS * aa_noise.REPEATS
    assert len(starts) == aa_noise.STARTS


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


def test_evidence_of_the_schema_before_can_be_judged_but_not_added_to(
    gates: Gates, tmp_path: Path
) -> None:
    before = replace(gates.run(), schema_version=SCHEMA_VERSION - 1)
    file = tmp_path / "verdict.json"
    file.write_text(verdict_json.render(before))

    assert verdict_json.judge(result_files.read(file)) == before
    with pytest.raises(UsageError, match=r"written with schema 4, .* Start a new gate"):
        Gates(tmp_path / "more").run(append=before)


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 2, SCHEMA_VERSION + 1])
def test_any_other_schema_is_refused_before_its_fields_are_read(
    tmp_path: Path, version: int
) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"schema_version": version, "unheard": "of"}))

    with pytest.raises(UsageError, match=rf"written with schema {version}, and this .* 4 and 5"):
        result_files.read(file)


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


def test_a_gate_is_found_by_its_folder_its_file_or_its_id(gates: Gates) -> None:
    result = gates.run()

    for name in (str(gates.folder), str(gates.folder / "verdict.json"), gates.folder.name):
        assert result_files.find(gates.results, name) == result
    with pytest.raises(UsageError, match="There is no gate 'gate-of-nobody'"):
        result_files.find(gates.results, "gate-of-nobody")
    with pytest.raises(UsageError, match="cannot be read"):
        result_files.read(gates.results / "nowhere.json")


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


def test_a_load_that_leaves_things_behind_is_taken_back_of_both_versions(tmp_path: Path) -> None:
    program = (
        "import os; open('log', 'a').write(' '.join(os.environ[name] for name in"
        " ('TWOFOLD_VERSION', 'DATABASE', 'MODE')) + chr(10))"
    )
    tested = Target(
        kind=TargetKind.DOCKERFILE, given=".", name="shop", env={"DATABASE": "d", "MODE": "m"}
    )
    project = Project(
        tested=tested,
        workers={},
        workloads={},
        default_workers=(),
        default_workloads=(),
        reset_command=(sys.executable, "-c", program),
    )
    options = GateOptions(project=project, folder=tmp_path, head_environment={"MODE": "new"})

    resetting.reset(options, tmp_path)

    assert (tmp_path / "log").read_text() == "base d m\nhead d new\n"
