"""From windows to one log ratio a start: signs, cancelled speeds, missing figures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from loadtests.gate import values
from loadtests.gate.model import SIDE_BY_SIDE, EndpointName, Evidence, SideName
from tests.loadtests.gate.builders import make_block, make_evidence, make_gate_plan, make_pair

PLAN = make_gate_plan()


def test_above_zero_is_better_for_every_endpoint() -> None:
    better = make_evidence(PLAN, change=0.1, latency=(0.1, 0.1), scaling=0.1, sd=0.0)

    for name in EndpointName:
        if name not in (EndpointName.ERRORS, EndpointName.ANSWERS):
            found = values.values(better, "gthread", name)
            assert found, name
            assert found == pytest.approx([0.1] * len(found)), name


def test_the_speed_of_the_core_cancels() -> None:
    pairs = tuple(make_pair(PLAN, number, change=-0.05) for number in range(1, 5))
    found = values.values(Evidence(pairs=pairs), "gthread", EndpointName.CPU)

    assert found == pytest.approx([-0.05] * 4)


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_a_start_that_cannot_tell_has_no_value(name: EndpointName) -> None:
    pair = make_pair(PLAN, 1)
    nothing = replace(
        pair.windows[0].head,
        completed=0,
        throughput_rps=0.0,
        cpu_us_per_request=None,
        p50_ms=None,
        p99_ms=None,
        quantiles_ms=(),
    )
    silent = replace(pair, windows=tuple(replace(each, head=nothing) for each in pair.windows))

    assert values.values(Evidence(pairs=(silent,)), "gthread", name) == ()


def test_a_machine_that_changes_its_speed_in_the_middle_of_a_block_is_taken_out() -> None:
    speeds = [
        tuple(1 + 0.2 * ((3 * block + window) % 5) for window in range(4)) for block in range(8)
    ]
    blocks = tuple(
        make_block(PLAN, number, change=-0.1, speeds=own)
        for number, own in enumerate(speeds, start=1)
    )

    found = values.values(Evidence(blocks=blocks), "gthread", EndpointName.SCALING)

    assert found == pytest.approx([-0.1] * 8)


def test_without_a_metronome_nothing_is_taken_out() -> None:
    block = make_block(PLAN, 1, change=-0.1, speeds=(1.0, 1.0, 1.0, 1.2))
    blind = replace(block, windows=tuple(replace(each, core_speed=None) for each in block.windows))

    (found,) = values.values(Evidence(blocks=(blind,)), "gthread", EndpointName.SCALING)

    assert found != pytest.approx(-0.1)


def test_levels_are_geometric_means_in_the_unit_of_the_endpoint() -> None:
    evidence = make_evidence(PLAN, sd=0.0, scaling=math.log(0.9))

    assert values.level(evidence, "gthread", EndpointName.SCALING, SideName.BASE) == pytest.approx(
        2.0
    )
    assert values.level(evidence, "gthread", EndpointName.SCALING, SideName.HEAD) == pytest.approx(
        1.8
    )
    assert values.level(Evidence(), "gthread", EndpointName.P50, SideName.BASE) is None
