"""A whole gate judged: what each verdict needs, mirrors, orders, causes."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.analysis.consistency_guard import TRIES
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.report import verdict_json
from loadtests.model.consistency import ProbeState
from loadtests.model.tested.in_force import InForce
from loadtests.model.vocabulary import RuleCode
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_figures,
    make_gate_plan,
    make_probe,
    make_side,
)

PLAN = make_gate_plan()
LOSS = math.log(0.95)


def conclude(evidence: Evidence, plan: Any = PLAN) -> GateResult:
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    return verdict.conclude(make_facts(), MACHINE, sides, plan, evidence)


def by_name(result: GateResult) -> dict[EndpointName, GateVerdict]:
    return {each.endpoint: each.verdict for each in result.endpoints}


def test_no_difference_passes_at_the_smallest_look() -> None:
    result = conclude(make_evidence(PLAN))

    assert result.verdict is GateVerdict.PASS
    assert set(by_name(result).values()) == {GateVerdict.PASS}
    assert verdict.EXIT_CODES[result.verdict] == 0


@pytest.mark.parametrize(
    ("changed", "endpoint"),
    [
        ({"change": 1.5 * LOSS}, EndpointName.THROUGHPUT),
        ({"latency": (math.log(0.85), 0.0)}, EndpointName.P50),
        ({"latency": (0.0, math.log(0.6))}, EndpointName.P99),
        ({"scaling": math.log(0.9)}, EndpointName.SCALING),
    ],
)
def test_one_endpoint_that_is_worse_is_enough(
    changed: dict[str, Any], endpoint: EndpointName
) -> None:
    result = conclude(make_evidence(PLAN, **changed))

    assert result.verdict is GateVerdict.REGRESSED
    assert by_name(result)[endpoint] is GateVerdict.REGRESSED
    assert verdict.EXIT_CODES[result.verdict] == 1


@pytest.mark.parametrize("side", SideName)
def test_cold_code_of_a_python_that_compiles_as_it_runs_does_not_regress(side: SideName) -> None:
    entry = InForce(worker="gthread", server="gunicorn", python="PyPy")
    worse = replace(make_evidence(PLAN, change=1.5 * LOSS), in_force={side: (entry,)})

    result = conclude(worse)

    assert result.verdict is GateVerdict.INCONCLUSIVE
    assert by_name(result)[EndpointName.THROUGHPUT] is GateVerdict.INCONCLUSIVE
    assert "was not warm yet, so this decides nothing" in result.reason
    assert [finding.code for finding in result.findings] == [RuleCode.STEADY]


def test_failures_of_a_cold_start_are_still_a_regression() -> None:
    entry = InForce(worker="gthread", server="gunicorn", python="PyPy")
    failing = make_evidence(PLAN)
    pairs = tuple(
        replace(
            pair,
            windows=tuple(
                replace(window, head=replace(window.head, failed=window.head.completed))
                for window in pair.windows
            ),
        )
        for pair in failing.pairs
    )

    result = conclude(replace(failing, pairs=pairs, in_force={SideName.HEAD: (entry,)}))

    assert result.verdict is GateVerdict.REGRESSED


def test_more_cpu_for_each_request_is_named_as_the_cause() -> None:
    result = conclude(make_evidence(PLAN, change=math.log(1 / 1.08)))

    assert result.cause is not None
    assert "8.0% more CPU" in result.cause
    assert "explains all of the lost throughput" in result.cause


def test_a_shared_lock_is_named_as_something_shared() -> None:
    result = conclude(make_evidence(PLAN, scaling=math.log(0.9)))

    assert result.cause is not None
    assert "something they share" in result.cause


def test_a_better_head_is_improved() -> None:
    result = conclude(make_evidence(PLAN, change=math.log(1.1)))

    assert result.verdict is GateVerdict.IMPROVED
    assert verdict.EXIT_CODES[result.verdict] == 0


def test_noise_that_is_too_great_cannot_tell_and_says_what_would() -> None:
    result = conclude(make_evidence(PLAN, sd=0.2))

    assert result.verdict is GateVerdict.INCONCLUSIVE
    open_ones = [e for e in result.endpoints if e.verdict is GateVerdict.INCONCLUSIVE]
    assert all(each.visible is not None and each.visible < -each.margin for each in open_ones)
    assert all(each.settle_minutes is not None for each in open_ones)
    assert "smallest detectable loss" in result.reason


def test_fewer_starts_than_the_first_look_cannot_tell() -> None:
    assert conclude(make_evidence(PLAN, pairs=15)).verdict is GateVerdict.INCONCLUSIVE
    assert conclude(make_evidence(PLAN, blocks=7)).verdict is GateVerdict.INCONCLUSIVE
    assert conclude(Evidence()).verdict is GateVerdict.INCONCLUSIVE


def test_every_worker_model_has_to_pass() -> None:
    plan = make_gate_plan(workers=("gthread", "sync"))
    evidence = make_evidence(plan)
    worse = make_evidence(plan, change=2 * LOSS)
    mixed = replace(
        evidence,
        pairs=tuple(
            other if other.worker == "sync" else mine
            for mine, other in zip(evidence.pairs, worse.pairs, strict=True)
        ),
    )

    assert conclude(evidence, plan).verdict is GateVerdict.PASS
    assert conclude(mixed, plan).verdict is GateVerdict.REGRESSED


def swapped(evidence: Evidence) -> Evidence:
    other = {SideName.BASE: SideName.HEAD, SideName.HEAD: SideName.BASE}
    return replace(
        evidence,
        pairs=tuple(
            replace(
                pair,
                windows=tuple(
                    replace(window, base=window.head, head=window.base) for window in pair.windows
                ),
            )
            for pair in evidence.pairs
        ),
        blocks=tuple(
            replace(
                block,
                windows=tuple(replace(each, side=other[each.side]) for each in block.windows),
            )
            for block in evidence.blocks
        ),
    )


@pytest.mark.parametrize("loss", [-0.08, -0.12, 0.08, 0.12])
def test_swapping_base_and_head_mirrors_the_verdict(loss: float) -> None:
    evidence = make_evidence(
        PLAN, change=loss, latency=(2 * loss, 4 * loss), scaling=1.5 * loss, sd=0.02
    )
    one, other = conclude(evidence), conclude(swapped(evidence))

    assert {one.verdict, other.verdict} == {GateVerdict.REGRESSED, GateVerdict.IMPROVED}
    for mine, theirs in zip(one.endpoints, other.endpoints, strict=True):
        assert mine.change.estimate is not None
        assert theirs.change.estimate is not None
        assert (1 + mine.change.estimate) * (1 + theirs.change.estimate) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_starts_does_not_matter(seed: int) -> None:
    evidence = make_evidence(PLAN, pairs=24, blocks=12, change=-0.03, sd=0.03, seed=seed)
    rng = Random(seed)
    shuffled = replace(
        evidence,
        pairs=tuple(rng.sample(evidence.pairs, k=24)),
        blocks=tuple(rng.sample(evidence.blocks, k=12)),
    )
    one, other = conclude(evidence), conclude(shuffled)

    assert (one.verdict, one.endpoints) == (other.verdict, other.endpoints)


def failing(evidence: Evidence, side: str, failed: int) -> Evidence:
    return replace(
        evidence,
        pairs=tuple(
            replace(
                pair,
                windows=tuple(
                    replace(window, **{side: replace(getattr(window, side), failed=failed)})
                    for window in pair.windows
                ),
            )
            for pair in evidence.pairs
        ),
    )


def test_a_head_that_fails_more_often_has_regressed() -> None:
    result = conclude(failing(make_evidence(PLAN), "head", 3))

    assert result.verdict is GateVerdict.REGRESSED
    assert by_name(result)[EndpointName.ERRORS] is GateVerdict.REGRESSED
    assert result.cause is not None
    assert "requests fail" in result.cause


def test_a_head_that_answers_nothing_has_regressed() -> None:
    dead = make_figures(
        completed=0,
        failed=300,
        throughput_rps=0.0,
        cpu_us_per_request=None,
        p50_ms=None,
        p99_ms=None,
    )
    evidence = make_evidence(PLAN, blocks=0)
    evidence = replace(
        evidence,
        pairs=tuple(
            replace(pair, windows=tuple(replace(each, head=dead) for each in pair.windows))
            for pair in evidence.pairs
        ),
    )

    assert conclude(evidence).verdict is GateVerdict.REGRESSED


def test_a_base_that_fails_gives_no_answer() -> None:
    result = conclude(failing(make_evidence(PLAN), "base", 3))

    assert result.verdict is GateVerdict.INVALID
    assert [found.code for found in result.findings] == [RuleCode.ERRORS]
    assert verdict.EXIT_CODES[result.verdict] == 3


@pytest.mark.parametrize(("longer", "told"), [(0.1, False), (2.0, True)])
def test_waiting_is_named_beside_more_cpu_where_the_median_grew_by_far_more(
    longer: float, told: bool
) -> None:
    """Base's median is 5 ms, and head's requests take 0.2 ms more CPU."""
    latency = (-math.log(1 + longer), 0.0)
    result = conclude(make_evidence(PLAN, change=-0.1, latency=latency, sd=0.005))

    assert result.cause is not None
    assert "more CPU" in result.cause
    assert ("also wait" in result.cause) is told


def test_one_failure_in_thousands_is_no_matter() -> None:
    evidence = make_evidence(PLAN)
    first = failing(replace(evidence, pairs=evidence.pairs[:1]), "head", 1).pairs
    result = conclude(replace(evidence, pairs=(*first, *evidence.pairs[1:])))

    assert result.verdict is GateVerdict.PASS


def test_judging_the_file_again_gives_the_same_bytes() -> None:
    result = conclude(make_evidence(PLAN, change=-0.02, sd=0.03))
    text = verdict_json.render(result)

    assert verdict_json.render(verdict_json.judge(verdict_json.parse(text, name="it"))) == text


def test_a_verdict_that_was_changed_by_hand_is_judged_anew() -> None:
    result = conclude(make_evidence(PLAN, change=-0.1))
    text = verdict_json.render(result).replace('"regressed"', '"pass"')

    assert verdict_json.judge(verdict_json.parse(text, name="it")).verdict is GateVerdict.REGRESSED


def wrong_head(**changed: Any) -> Evidence:
    """Evidence of a machine that other programs kept busy, and of a head that answers wrongly."""
    evidence = make_evidence(PLAN, **changed)
    probes = [
        make_probe(side, state)
        for side, state in (
            (SideName.BASE, ProbeState.OK),
            *[(SideName.HEAD, ProbeState.BREAKS)] * TRIES,
        )
    ]
    pairs = [
        replace(pair, windows=tuple(replace(each, foreign_ratio=0.5) for each in pair.windows))
        for pair in evidence.pairs
    ]
    return replace(evidence, pairs=tuple(pairs), blocks=(), probes=tuple(probes))


def test_wrong_answers_stay_shown_where_only_the_speed_cannot_be_judged() -> None:
    result = conclude(wrong_head(change=2 * LOSS))

    assert [each.code for each in result.findings if not each.warning] == [RuleCode.HOST_CONTENTION]
    assert result.verdict is GateVerdict.REGRESSED
    assert "Head gave wrong answers with two replicas in all 6 tries" in result.reason
    assert "throughput" not in result.reason


def test_a_busy_machine_alone_is_invalid() -> None:
    assert conclude(replace(wrong_head(), probes=())).verdict is GateVerdict.INVALID


def test_a_start_that_was_replaced_may_have_forgotten_what_it_knew() -> None:
    evidence = replace(wrong_head(), replaced=("head-a-1",))

    assert conclude(evidence).verdict is GateVerdict.INVALID


def test_a_gate_that_stopped_half_way_never_passes() -> None:
    """Its files are written all the same, and ``--judge`` and CI read them."""
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))

    stopped = verdict.conclude(
        make_facts(finished=False), MACHINE, sides, PLAN, make_evidence(PLAN)
    )

    assert stopped.verdict is GateVerdict.INCONCLUSIVE
    assert "stopped before its end" in stopped.reason
