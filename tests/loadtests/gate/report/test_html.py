"""The page of a gate: whole without scripts, everything in it, nothing from elsewhere."""

from __future__ import annotations

import math
import re

import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.report import html, wording
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()


def gate(change: float, **of_head: str) -> GateResult:
    return verdict.conclude(
        make_facts(differences=("changed: <b>.py",)),
        MACHINE,
        (make_side(SideName.BASE), make_side(SideName.HEAD, **of_head)),
        PLAN,
        make_evidence(PLAN, change=change),
    )


@pytest.mark.parametrize("change", [0.0, math.log(0.9)])
def test_every_endpoint_has_a_row_with_all_its_starts(change: float) -> None:
    result = gate(change)
    page = html.render(result)

    for endpoint in result.endpoints:
        assert wording.name(endpoint, result) in page
    assert page.count('class="dot') == 4 * 16 + 8
    assert wording.VERDICTS[result.verdict] in page


def test_the_page_asks_for_nothing_and_names_are_text() -> None:
    page = html.render(gate(0.0, asked="<script>alert(1)</script>"))

    assert "<script>alert" not in page
    assert "<b>.py" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert len(page) < 120_000


def test_margins_are_where_the_axis_has_its_line() -> None:
    drawn = html.forest(gate(0.0))
    margin, nothing = drawn.axis.references

    assert margin.at < nothing.at == 50
    for strip in drawn.strips:
        assert strip.low is not None
        assert strip.low > margin.at
