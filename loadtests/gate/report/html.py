"""Renders ``report.html`` of a gate: endpoints against margins, each start as a dot. PURE.

The page is one self-contained file, like a run's report. All endpoints share one axis, in units of
their own margin: the line at −1 is the margin of each of them.
"""

from __future__ import annotations

import math
from functools import cache

from jinja2 import Environment

from loadtests.gate.analysis import log_ratios
from loadtests.gate.model.result import EndpointResult, GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.gate.report import functions_text, wording
from loadtests.report.formats.html import new_templates
from loadtests.report.plots.drawing import Axis, Dot, Reference, Strip, Tick
from loadtests.report.plots.scale import Scale
from loadtests.report.plots.strips import Forest

LIKE = {
    GateVerdict.PASS: "scales",
    GateVerdict.IMPROVED: "scales",
    GateVerdict.REGRESSED: "falls_short",
    GateVerdict.INCONCLUSIVE: "inconclusive",
    GateVerdict.INVALID: "invalid",
}
"""The verdict of a run with the same colours, by verdict of a gate."""

REACH = 3.0
"""Length of the axis in each direction, in margins; values beyond are drawn at its end."""


def render(result: GateResult) -> str:
    """Return the HTML page."""
    chart = forest(result)
    rows = [
        (endpoint, strip, wording.row(endpoint, result))
        for endpoint, strip in zip(result.endpoints, chart.strips, strict=True)
    ]
    return (
        _templates()
        .get_template("gate.html.j2")
        .render(
            result=result,
            axis=chart.axis,
            rows=rows,
            texts=wording,
            functions_text=functions_text,
            like=LIKE,
        )
    )


def forest(result: GateResult) -> Forest:
    """Return the endpoints' changes in units of their margins."""
    x = Scale(low=-REACH, high=REACH, start=2, end=98)
    ticks = tuple(Tick(at=x(value), text=f"{value:+g}") for value in (-3, -2, 0, 1, 2, 3))
    references = (
        Reference(at=x(-1), text="margin", anchor="end"),
        Reference(at=x(0), text="no change", anchor="start"),
    )
    return Forest(
        axis=Axis(ticks=ticks, references=references),
        strips=tuple(_strip(result, endpoint, x) for endpoint in result.endpoints),
    )


def _strip(result: GateResult, endpoint: EndpointResult, x: Scale) -> Strip:
    low, middle, high = (
        None if value is None or not endpoint.margin else x(value / endpoint.margin)
        for value in (endpoint.change.low, endpoint.change.estimate, endpoint.change.high)
    )
    logs = (
        log_ratios.values(result.evidence, endpoint.worker, endpoint.endpoint)
        if endpoint.margin
        else ()
    )
    return Strip(
        series=result.plan.workers.index(endpoint.worker) if endpoint.margin else 0,
        estimate=middle,
        low=low,
        high=high,
        dots=tuple(
            Dot(
                x=x(math.expm1(log) / endpoint.margin),
                y=0,
                tip=f"start {number}: {wording.signed(math.expm1(log))} %",
            )
            for number, log in enumerate(logs, start=1)
        ),
    )


@cache
def _templates() -> Environment:
    return new_templates()
