"""What a regression's cause says, and what it must not claim to know."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()
LOSS = math.log(0.95)


def conclude(evidence: Evidence) -> GateResult:
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    return verdict.conclude(make_facts(), MACHINE, sides, PLAN, evidence)


def by_name(result: GateResult) -> dict[EndpointName, GateVerdict]:
    return {each.endpoint: each.verdict for each in result.endpoints}


def with_cpu_of_head(evidence: Evidence, cpu_us: Callable[[Any, int], Any]) -> Evidence:
    """Give evidence in which head's CPU per request is what a function of it and its pair says."""
    return replace(
        evidence,
        pairs=tuple(
            replace(
                pair,
                windows=tuple(
                    replace(
                        each,
                        head=replace(
                            each.head,
                            cpu_us_per_request=cpu_us(each.head.cpu_us_per_request, pair.number),
                        ),
                    )
                    for each in pair.windows
                ),
            )
            for pair in evidence.pairs
        ),
    )


def test_a_cpu_per_request_that_nobody_read_is_not_called_unchanged() -> None:
    result = conclude(with_cpu_of_head(make_evidence(PLAN, change=2 * LOSS), lambda *_: None))

    assert result.cause == "gthread: not known, since the CPU of a request could not be read."


@pytest.mark.parametrize(("saved", "told"), [(0.0, "+10.8%"), (2.5 * LOSS, "−2.5%")])
def test_a_cpu_per_request_that_is_not_decided_is_not_called_unchanged(
    saved: float, told: str
) -> None:
    """It grew by the 11 % that throughput lost, or less, and differs from start to start."""
    evidence = with_cpu_of_head(
        make_evidence(PLAN, change=2 * LOSS),
        lambda cpu_us, number: cpu_us * math.exp(saved + 0.3 * (-1) ** number),
    )
    result = conclude(evidence)

    assert by_name(result)[EndpointName.CPU] is GateVerdict.INCONCLUSIVE
    assert result.cause == (
        f"gthread: not decided. The CPU of a request changed by {told}, which may be chance: each"
        " may take more, or wait longer."
    )


def test_a_cpu_per_request_that_is_shown_to_be_the_same_is_no_cause() -> None:
    evidence = make_evidence(PLAN, change=2 * LOSS)
    result = conclude(
        with_cpu_of_head(evidence, lambda cpu_us, _: cpu_us * math.exp(2 * LOSS) * 1.001)
    )

    assert by_name(result)[EndpointName.CPU] is GateVerdict.PASS
    assert result.cause is not None
    assert "as much CPU as before" in result.cause


def test_one_replica_is_not_called_as_fast_as_before_where_that_is_open() -> None:
    evidence = make_evidence(PLAN, sd=0.1)
    clear = make_evidence(PLAN, scaling=math.log(0.7))
    result = conclude(replace(evidence, blocks=clear.blocks))

    assert by_name(result)[EndpointName.THROUGHPUT] is GateVerdict.INCONCLUSIVE
    assert by_name(result)[EndpointName.SCALING] is GateVerdict.REGRESSED
    assert result.cause == (
        "gthread: two replicas gain less over one than before. Whether one alone is as fast as"
        " before is not decided."
    )
