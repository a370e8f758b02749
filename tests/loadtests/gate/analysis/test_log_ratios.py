"""From windows to one log ratio a start: signs, cancelled speeds, missing figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate.analysis import log_ratios
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.vocabulary import SIDE_BY_SIDE, EndpointName, SideName
from tests.loadtests.gate.builders import (
    make_block,
    make_evidence,
    make_figures,
    make_gate_plan,
    make_pair,
)

PLAN = make_gate_plan()


def test_above_zero_is_better_for_every_endpoint() -> None:
    better = make_evidence(PLAN, change=0.1, latency=(0.1, 0.1), scaling=0.1, sd=0.0)

    for name in PLAN.margins:
        found = log_ratios.values(better, "gthread", name)
        assert found, name
        assert found == pytest.approx([0.1] * len(found)), name


def test_the_speed_of_the_core_cancels() -> None:
    pairs = tuple(make_pair(PLAN, number, change=-0.05) for number in range(1, 5))
    found = log_ratios.values(Evidence(pairs=pairs), "gthread", EndpointName.CPU)

    assert found == pytest.approx([-0.05] * 4)


NOTHING = make_figures(
    completed=0,
    throughput_rps=0.0,
    cpu_us_per_request=None,
    p50_ms=None,
    p99_ms=None,
    quantiles_ms=(),
)


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        *((name, ("base", "head")) for name in SIDE_BY_SIDE),
        *((name, ("head",)) for name in SIDE_BY_SIDE if name is not EndpointName.THROUGHPUT),
    ],
)
def test_a_start_that_cannot_tell_has_no_value(name: EndpointName, silent: Sequence[str]) -> None:
    pair = make_pair(PLAN, 1)
    changed: dict[str, Any] = dict.fromkeys(silent, NOTHING)
    pair = replace(pair, windows=tuple(replace(each, **changed) for each in pair.windows))

    assert log_ratios.values(Evidence(pairs=(pair,)), "gthread", name) == ()


@pytest.mark.parametrize(("silent", "sign"), [("head", -1), ("base", 1)])
def test_a_side_that_stood_still_counts_as_if_one_request_had_been_answered(
    silent: str, sign: int
) -> None:
    pair = make_pair(PLAN, 1)
    changed: dict[str, Any] = {silent: NOTHING}
    pair = replace(pair, windows=tuple(replace(each, **changed) for each in pair.windows))
    evidence, name = Evidence(pairs=(pair,)), EndpointName.THROUGHPUT
    other = make_figures().completed

    assert log_ratios.values(evidence, "gthread", name) == pytest.approx([sign * math.log(other)])
    base, head = (log_ratios.level(evidence, "gthread", name, side) for side in SideName)
    assert base
    assert head
    assert head / base == pytest.approx(other**sign)


def test_two_replicas_that_stood_still_are_not_left_out_of_the_doubling_factor() -> None:
    whole = make_block(PLAN, 1)
    still = replace(
        whole,
        windows=tuple(
            replace(each, figures=NOTHING)
            if each.side is SideName.HEAD and each.replicas == 2
            else each
            for each in whole.windows
        ),
    )
    one = next(each for each in whole.windows if each.replicas == 1).figures
    one_rps = one.throughput_rps / one.completed

    (sound,) = log_ratios.values(Evidence(blocks=(whole,)), "gthread", EndpointName.SCALING)
    (found,) = log_ratios.values(Evidence(blocks=(still,)), "gthread", EndpointName.SCALING)

    assert found - sound == pytest.approx(math.log(one_rps / (2 * one.throughput_rps)), rel=0.01)


def test_a_side_that_answered_nothing_at_all_has_no_doubling_factor() -> None:
    block = make_block(PLAN, 1)
    silent = replace(
        block,
        windows=tuple(
            replace(each, figures=NOTHING) if each.side is SideName.HEAD else each
            for each in block.windows
        ),
    )

    assert log_ratios.values(Evidence(blocks=(silent,)), "gthread", EndpointName.SCALING) == ()


def test_a_machine_that_changes_its_speed_in_the_middle_of_a_block_is_taken_out() -> None:
    speeds = [
        tuple(1 + 0.2 * ((3 * block + window) % 5) for window in range(4)) for block in range(8)
    ]
    blocks = tuple(
        make_block(PLAN, number, change=-0.1, speeds=own)
        for number, own in enumerate(speeds, start=1)
    )

    found = log_ratios.values(Evidence(blocks=blocks), "gthread", EndpointName.SCALING)

    assert found == pytest.approx([-0.1] * 8)


def test_without_a_metronome_nothing_is_taken_out() -> None:
    block = make_block(PLAN, 1, change=-0.1, speeds=(1.0, 1.0, 1.0, 1.2))
    blind = replace(block, windows=tuple(replace(each, core_speed=None) for each in block.windows))

    (found,) = log_ratios.values(Evidence(blocks=(blind,)), "gthread", EndpointName.SCALING)

    assert found != pytest.approx(-0.1)


def test_levels_are_geometric_means_in_the_unit_of_the_endpoint() -> None:
    evidence = make_evidence(PLAN, sd=0.0, scaling=math.log(0.9))

    assert log_ratios.level(
        evidence, "gthread", EndpointName.SCALING, SideName.BASE
    ) == pytest.approx(2.0)
    assert log_ratios.level(
        evidence, "gthread", EndpointName.SCALING, SideName.HEAD
    ) == pytest.approx(1.8)
    assert log_ratios.level(Evidence(), "gthread", EndpointName.P50, SideName.BASE) is None
