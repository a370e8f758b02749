"""The plan of a deployment says what precision its few rounds give."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from statistics import fmean, stdev

import pytest

from loadtests.analysis.intervals import student_quantile
from loadtests.model.plan import Plan
from loadtests.model.tested.target import Target, TargetKind
from loadtests.report.text import plan as text
from tests.loadtests.builders import make_machine, make_plan

WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")


def a_plan(least: int, most: int, *counts: int) -> Plan:
    plan = make_plan(replica_counts=counts or (1, 2, 4))
    return replace(plan, tested=WEB, rounds_min=least, rounds_max=most)


def lines_of(plan: Plan) -> list[str]:
    """The lines on rounds and on what they give."""
    lines = text.render(plan, make_machine(), "a test").splitlines()
    return [line for line in lines if line.startswith(("Rounds", "Precision"))]


@pytest.mark.parametrize(
    ("plan", "lines"),
    [
        (
            a_plan(3, 6),
            [
                "Rounds     3 to 6; fewer if every factor is precise to ±4%",
                "Precision  about ±6% to ±13% after 3, ±3% to ±5% after 6 rounds, where starts"
                " differ by 2 to 4%",
            ],
        ),
        (
            a_plan(3, 3, 2, 4),
            [
                "Rounds     3",
                "Precision  about ±4% to ±9% after 3 rounds, where starts differ by 2 to 4%",
            ],
        ),
        (a_plan(1, 1), ["Rounds     1"]),  # one round gives no interval
        (a_plan(3, 3, 1, 3), ["Rounds     3"]),  # nothing is doubled
        (
            replace(make_plan(), rounds_min=4, rounds_max=12),
            ["Rounds     4 to 12, until every factor is precise to ±4%"],
        ),
    ],
)
def test_a_deployments_plan_says_what_its_rounds_give(plan: Plan, lines: list[str]) -> None:
    assert lines_of(plan) == lines


def test_the_half_width_is_what_starts_of_that_spread_give() -> None:
    """Six rounds of one start against the mean of two, a thousand times."""
    random = Random(1)
    widths = []
    for _ in range(1000):
        logs = [
            math.log(fmean(random.gauss(1, 0.04) for _ in range(2)) / random.gauss(1, 0.04))
            for _ in range(6)
        ]
        widths.append(student_quantile(5) * stdev(logs) / math.sqrt(6))

    assert math.expm1(fmean(widths)) == pytest.approx(text._half_width(0.04, 6, 1), rel=0.1)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "Machine    2 cores, Example CPU @ 2.0 GHz, Linux 6.1.0 x86_64"),
        (
            {
                "cores": 4,
                "core_ids": (0, 1, 2, 3),
                "hardware_threads": ((0, 2), (1, 3)),
            },
            "Machine    4 logical CPUs, 2 cores, Example CPU @ 2.0 GHz, Linux 6.1.0 x86_64",
        ),
    ],
)
def test_a_plan_tells_cores_from_logical_cpus(fields: dict[str, object], line: str) -> None:
    assert line in text.render(make_plan(), make_machine(**fields), "a test").splitlines()
