"""Look after look: what is measured next, when it ends, and what is kept meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.analysis.consistency_guard import MOST_ROUNDS, TRIES
from loadtests.gate.measurement.looks import Session
from loadtests.gate.model.evidence import Evidence, ScalingBlock, SideProbe, StartPair, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.model.consistency import Check, ProbeKind, ProbeState
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld
from tests.loadtests.gate.builders import make_block, make_gate_plan, make_pair, make_probe


@dataclass
class Truth:
    """What a pair and a block would show, by its number."""

    plan: GatePlan
    change: float = 0.0
    scaling: float = 0.0
    sd: float = 0.02
    wall_s: float = 4.0
    states: dict[SideName, ProbeState] = field(
        default_factory=lambda: dict.fromkeys(SideName, ProbeState.OK)
    )
    answered: dict[SideName, ProbeState] = field(
        default_factory=lambda: dict.fromkeys(SideName, ProbeState.OK)
    )
    """What the requests of the load show."""
    asked: int = 0
    numbers: list[int] = field(default_factory=list)
    """The numbers of the tries in which they were asked."""
    renamed: bool = False
    """Whether the check of such a request has another name each time."""
    done: list[str] = field(default_factory=list)

    def noise(self, name: str, number: int) -> float:
        return Random(f"{name}{number}").gauss(0, self.sd)


class FakePairRunner:
    """Gives pairs and blocks at once."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def wait_ready(self) -> None:
        self._truth.done.append("ready")

    checked = None

    def check_load(self) -> None:
        self._truth.done.append("path")

    def calibrate(self, slots: int | None) -> WorkerLoad:
        return WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)

    def pairs(
        self, numbers: Sequence[int], load: WorkerLoad, *, before: int
    ) -> tuple[StartPair, ...]:
        truth = self._truth
        self._truth.done += [f"pair {number} on start {number - before}" for number in numbers]
        return tuple(
            make_pair(
                truth.plan,
                number,
                change=truth.change + truth.noise("pair", number),
                latency=(truth.noise("p50", number), truth.noise("p99", number)),
                wall_s=truth.wall_s,
            )
            for number in numbers
        )


class FakeBlockRunner:
    """Gives blocks and answers at once."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def prepare(self) -> None:
        self._truth.done.append("proxy")

    def probe(self, checks: Sequence[Check]) -> tuple[SideProbe, ...]:
        if checks:
            self._truth.done.append(f"probe {' '.join(check.name for check in checks)}")
        return tuple(
            make_probe(side, self._truth.states[side], check=check.name)
            for check in checks
            for side in SideName
        )

    def ask_servers(self, checked: None = None, *, number: int) -> tuple[SideProbe, ...]:
        self._truth.asked += 1
        self._truth.numbers.append(number)
        suffix = f"/{self._truth.asked}" if self._truth.renamed else ""
        return tuple(
            make_probe(side, state, check=f"GET /me{suffix}", kind=ProbeKind.ANSWER)
            for side, state in self._truth.answered.items()
        )

    @contextmanager
    def metronome(self) -> Iterator[None]:
        self._truth.done.append("metronome")
        yield

    def blocks(
        self, numbers: Sequence[int], load: WorkerLoad, metronome: None
    ) -> tuple[ScalingBlock, ...]:
        self._truth.done.append(f"blocks {list(numbers)}")
        return tuple(self._block(number) for number in numbers)

    def _block(self, number: int) -> ScalingBlock:
        noise = self._truth.noise("block", number)
        return make_block(self._truth.plan, number, change=self._truth.scaling + noise)


def run(
    truth: Truth,
    evidence: Evidence | None = None,
    *,
    pair_runner: FakePairRunner | None = None,
    **changed: Any,
) -> tuple[Session, list[int]]:
    kept: list[int] = []
    given: dict[str, Any] = {"memory_bytes": 8 << 30, "grown": 16}
    session = Session(
        truth.plan,
        "gthread",
        FakeGateStack(GateWorld(done=truth.done), truth.plan),
        pair_runner or FakePairRunner(truth),  # type: ignore[arg-type]
        FakeBlockRunner(truth),  # type: ignore[arg-type]
        evidence or Evidence(),
        lambda found: kept.append(len(found.pairs) + len(found.blocks)),
        lambda _: None,
        **{**given, **changed},
    )
    session.run()
    return session, kept


def verdicts(session: Session, plan: GatePlan) -> set[GateVerdict]:
    return {each.verdict for each in verdict.judge_endpoints(plan, session.evidence)}


def test_no_difference_ends_at_the_first_looks() -> None:
    truth = Truth(make_gate_plan())
    session, kept = run(truth)

    assert (len(session.evidence.pairs), len(session.evidence.blocks)) == (16, 8)
    assert verdicts(session, truth.plan) == {GateVerdict.PASS}
    assert kept == [0, *range(2, 25, 2), 24]
    assert truth.done[-1] == "probe note session counter"


def test_a_loss_of_the_pairs_ends_it_before_any_block() -> None:
    truth = Truth(make_gate_plan(), change=-0.08)
    session, _ = run(truth)

    assert (len(session.evidence.pairs), len(session.evidence.blocks)) == (16, 0)
    assert GateVerdict.REGRESSED in verdicts(session, truth.plan)


def test_answers_that_head_alone_gets_wrong_are_tried_again_until_that_is_shown() -> None:
    truth = Truth(make_gate_plan())
    truth.states[SideName.HEAD] = ProbeState.BREAKS
    session, _ = run(truth)

    found = {e.endpoint: e.verdict for e in verdict.judge_endpoints(truth.plan, session.evidence)}
    assert sum(each.startswith("probe") for each in truth.done) == TRIES
    assert found[EndpointName.ANSWERS] is GateVerdict.REGRESSED


def test_a_cookie_that_heads_other_replica_alone_refuses_regressed_after_as_many_tries() -> None:
    truth = Truth(make_gate_plan())
    truth.answered[SideName.HEAD] = ProbeState.BREAKS
    session, _ = run(truth)

    found = {e.endpoint: e.verdict for e in verdict.judge_endpoints(truth.plan, session.evidence)}
    assert truth.numbers == list(range(1, TRIES + 1))
    assert sum(each.startswith("probe note") for each in truth.done) == 1
    assert found[EndpointName.ANSWERS] is GateVerdict.REGRESSED


def test_a_check_whose_name_is_another_each_time_is_not_tried_for_ever() -> None:
    truth = Truth(make_gate_plan())
    truth.answered[SideName.HEAD] = ProbeState.BREAKS
    truth.renamed = True
    session, _ = run(truth)

    assert truth.asked == MOST_ROUNDS
    assert verdicts(session, truth.plan) == {GateVerdict.PASS}


@pytest.mark.parametrize("state", [ProbeState.NOTE, ProbeState.UNCHECKED, ProbeState.OK])
def test_what_may_be_harmless_or_is_not_known_of_head_passes(state: ProbeState) -> None:
    truth = Truth(make_gate_plan())
    truth.answered[SideName.HEAD] = state
    session, _ = run(truth)

    assert truth.asked == 1
    assert verdicts(session, truth.plan) == {GateVerdict.PASS}


def test_answers_that_both_get_wrong_are_tried_once() -> None:
    truth = Truth(make_gate_plan())
    truth.states = dict.fromkeys(SideName, ProbeState.BREAKS)
    session, _ = run(truth)

    assert sum(each.startswith("probe") for each in truth.done) == 1
    assert verdicts(session, truth.plan) == {GateVerdict.PASS}


def test_a_loss_of_scaling_is_found_by_the_blocks() -> None:
    truth = Truth(make_gate_plan(), scaling=-0.12)
    session, _ = run(truth)

    found = {e.endpoint: e.verdict for e in verdict.judge_endpoints(truth.plan, session.evidence)}
    assert found[EndpointName.SCALING] is GateVerdict.REGRESSED


def test_what_the_pairs_have_settled_is_not_measured_again_for_the_blocks() -> None:
    truth = Truth(make_gate_plan(max_minutes=60), scaling=-0.045, sd=0.02)
    truth.noise = lambda name, number: (  # type: ignore[method-assign]
        Random(f"{name}{number}").gauss(0, 0.15 if name == "block" else 0.01)
    )
    session, _ = run(truth)

    assert len(session.evidence.pairs) == 16
    assert len(session.evidence.blocks) > 8


@pytest.mark.parametrize("side", list(SideName))
def test_a_side_that_fails_is_not_measured_to_the_end(side: SideName) -> None:
    truth = Truth(make_gate_plan(max_minutes=60))
    pair_runner = FakePairRunner(truth)
    sound = pair_runner.pairs

    def failing(*given: Any, **named: Any) -> tuple[StartPair, ...]:
        return tuple(
            replace(
                pair,
                windows=tuple(
                    replace(each, **{side: replace(getattr(each, side), failed=50)})
                    for each in pair.windows
                ),
            )
            for pair in sound(*given, **named)
        )

    pair_runner.pairs = failing  # type: ignore[method-assign]
    session, _ = run(truth, pair_runner=pair_runner)

    assert len(session.evidence.pairs) == 16
    assert session.evidence.probes == ()


def test_the_time_is_kept() -> None:
    truth = Truth(make_gate_plan(max_minutes=3), sd=0.3, wall_s=5.0)
    session, _ = run(truth)

    spent_s = verdict.measured_s(session.evidence)
    assert GateVerdict.INCONCLUSIVE in verdicts(session, truth.plan)
    assert spent_s <= 180


def test_a_look_that_takes_far_too_long_is_not_measured_to_its_end() -> None:
    """As where requests hang: each window waits for them."""
    truth = Truth(make_gate_plan(max_minutes=3), wall_s=60.0)
    session, _ = run(truth)

    assert len(session.evidence.pairs) == 6
    assert session.evidence.blocks == ()
    assert GateVerdict.INCONCLUSIVE in verdicts(session, truth.plan)


def test_more_starts_are_brought_up_only_for_a_look_that_needs_them() -> None:
    truth = Truth(make_gate_plan(max_minutes=60), sd=0.4)
    run(truth)

    assert "grow 24" in truth.done
    assert truth.done.index("grow 24") > truth.done.index("pair 16 on start 16")


def test_what_is_appended_comes_behind_what_there_is_on_fresh_starts() -> None:
    plan = make_gate_plan(scaling=False, max_minutes=60)
    before, _ = run(Truth(make_gate_plan(scaling=False, max_minutes=2), sd=0.4))
    count = len(before.evidence.pairs)
    truth = Truth(plan, sd=0.4)
    after, _ = run(truth, before.evidence, grown=4)

    assert after.evidence.pairs[:count] == before.evidence.pairs
    assert len(after.evidence.pairs) > count
    assert f"pair {count + 1} on start 1" in truth.done
    assert "path" not in truth.done  # the load is the one that was found then


def test_appending_to_what_is_settled_measures_nothing() -> None:
    truth = Truth(make_gate_plan())
    before, _ = run(truth)
    again = Truth(truth.plan)
    after, _ = run(again, before.evidence, grown=4)

    assert after.evidence == before.evidence
    assert again.done == []


def test_a_warning_about_connections_ends_no_measurement() -> None:
    """Such as that of a worker model that was measured before."""
    truth = Truth(make_gate_plan())
    session, _ = run(truth, Evidence(head_refusal="upstream.Error: too many connections"))

    assert len(session.evidence.pairs) == 16
    assert any(name.startswith("probe") for name in truth.done)


@pytest.mark.parametrize("memory_bytes", [4 << 30])
def test_memory_bounds_the_starts_that_are_up_at_once(memory_bytes: int) -> None:
    truth = Truth(make_gate_plan(max_minutes=600, scaling=False), sd=0.4)
    session, _ = run(truth, memory_bytes=memory_bytes)

    assert len(session.evidence.pairs) == 16


def test_what_the_load_left_is_taken_back_before_every_step_of_pairs_or_blocks() -> None:
    truth = Truth(make_gate_plan())
    run(truth, reset=lambda: truth.done.append("reset"))

    after = [name for before, name in pairwise(truth.done) if before == "reset"]
    measured = [name for name in truth.done if name.startswith(("pair 1 ", "block"))]
    assert set(measured) <= set(after)
    lanes = len(truth.plan.cores)
    pairs = [name for name in truth.done if name.startswith("pair")]
    blocks = [name for name in truth.done if name.startswith("block")]
    assert blocks == [f"blocks {[number, number + 1]}" for number in (1, 3, 5, 7)]
    assert truth.done.count("reset") == -(-len(pairs) // lanes) + len(blocks)
