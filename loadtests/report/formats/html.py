"""``report.html``: a run in one file that needs nothing else.

PURE. Drawn here as SVG, so all of it is there without JavaScript. Whatever comes from users is
escaped by Jinja; a content policy in the page forbids every request. While a run goes on the page
asks to be read again every two seconds; the final one does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtests.analysis.core_speed import at_mean_speed
from loadtests.model.latency import LatencyResult
from loadtests.model.result import ComparisonResult, Estimate, Finding, LawResult, RunResult
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from loadtests.report import rounding
from loadtests.report.plots import beyond, drawing, efficiency, latency, levels, strips, throughput
from loadtests.report.plots.axes import Series, series, worker_numbers
from loadtests.report.plots.timeline import timeline
from loadtests.report.text import advice, capacity, story
from loadtests.report.text import latency as latency_text

REFRESH_S = 2
"""How often a live page is read again: as often as it is written."""

COLOURS = 6
"""Colours told apart by colour-blind people too; the seventh worker model has the first again."""


def render(result: RunResult, trials: Sequence[Trial], *, live: bool) -> str:
    """Return the whole page; ``live`` while more trials are to come."""
    counted = at_mean_speed([trial for trial in trials if trial.set_aside is None])
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            result=result,
            trials=len(counted),
            set_aside=len(trials) - len(counted),
            live=live,
            refresh_s=REFRESH_S,
            answer=story.so_far(result) if live else story.answer(result),
            sentences=story.by_series(result),
            next_steps=[] if live else advice.next_steps(result),
            broken=story.by_rule(result.broken),
            resource_names=list(
                dict.fromkeys(use.name for cell in result.cells for use in cell.resources)
            ),
            rules=rules(result),
            consistency=story.consistency(result),
            **_drawings(result, counted),
        )
    )


def _drawings(result: RunResult, trials: Sequence[Trial]) -> dict[str, object]:
    found = series(result, trials)
    numbers = worker_numbers(result)
    laws = {(law.worker, law.workload): law for law in result.laws}
    return {
        "throughputs": _by_workload((each, throughput.panel(each)) for each in found),
        "efficiencies": _by_workload(
            (each, efficiency.panel(each))
            for each in found
            if len(each.cells) > 1 and each.cells[0].cell.replicas == 1
        ),
        "beyonds": _by_workload(
            (each, beyond.panel(each, laws[each.worker, each.workload]))
            for each in found
            if (each.worker, each.workload) in laws
        ),
        "next_doublings": _next_doublings(result, found),
        "latencies": _by_workload((each, latency.panel(each)) for each in found),
        "loads": _by_workload(_loads(result, numbers)),
        "forest": strips.doublings(result, trials, numbers),
        "comparisons": _comparisons(result, numbers),
        "timeline": timeline(result, trials),
    }


def _next_doublings(
    result: RunResult, found: Sequence[Series]
) -> list[tuple[LawResult, int, Estimate | None]]:
    """Return each law with twice its replicas, and what they would give; None where not known."""
    largest = {(each.worker, each.workload): each.cells[-1] for each in found}
    listed = []
    for law in result.laws:
        cell = largest[law.worker, law.workload]
        count = capacity.NEXT_DOUBLING * cell.cell.replicas
        rate = capacity.rate_at(cell, law, count) if capacity.reaches(cell, law) else None
        listed.append((law, count, rate))
    return listed


def rules(result: RunResult) -> list[tuple[RuleState, Finding, list[Finding]]]:
    """Return for each rule its worst state, the finding that shows it best, and all findings."""
    worst = (RuleState.BROKEN, RuleState.UNCHECKED, RuleState.HOLDS)
    listed = []
    for _, findings in story.by_rule(result.findings):
        state = min((found.state for found in findings), key=worst.index)
        listed.append((state, _closest([f for f in findings if f.state is state]), findings))
    return listed


def _closest(findings: Sequence[Finding]) -> Finding:
    """Return the finding whose figure comes closest to its limit, or the first without one."""

    def distance(found: Finding) -> float:
        if found.figure is None or not found.limit:
            return math.inf
        return abs(1 - found.figure / found.limit)

    return min(findings, key=distance)


def _comparisons(
    result: RunResult, numbers: Mapping[str, int]
) -> list[tuple[str, list[ComparisonResult], strips.Forest]]:
    """Return the comparisons of each workload, those of the same two worker models together."""
    grouped = []
    for workload in dict.fromkeys(found.workload for found in result.comparisons):
        found = sorted(
            (each for each in result.comparisons if each.workload == workload),
            key=lambda each: (numbers[each.worker], numbers[each.against], each.replicas),
        )
        grouped.append((workload, found, strips.comparisons(found, numbers)))
    return grouped


def _loads(
    result: RunResult, numbers: Mapping[str, int]
) -> Iterator[tuple[LatencyResult, drawing.Panel | None]]:
    """Give each cell's latency under load, with the objective that was asked for."""
    limits = {(each.worker, each.workload, each.replicas): each.limit_ms for each in result.slo}
    for each in result.latency:
        limit_ms = limits.get((each.worker, each.workload, each.replicas))
        yield each, levels.panel(each, numbers[each.worker], limit_ms)


def _by_workload(
    drawn: Iterable[tuple[Series | LatencyResult, drawing.Panel | None]],
) -> list[tuple[str, list[drawing.Panel]]]:
    """Return the plots of each workload, without the missing ones."""
    grouped: dict[str, list[drawing.Panel]] = {}
    for each, panel in drawn:
        if panel is not None:
            grouped.setdefault(each.workload, []).append(panel)
    return list(grouped.items())


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("loadtests.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        figure=rounding.figure,
        figures=rounding.figures,
        factor=rounding.factor,
        percent=rounding.percent,
        small=rounding.small,
        factors=lambda estimate: rounding.interval(estimate, rounding.factor),
        percents=rounding.percents,
        smalls=lambda estimate: rounding.interval(estimate, rounding.small),
    )
    templates.globals.update(
        story=story,
        latency_text=latency_text,
        plot=drawing,
        colours=COLOURS,
    )
    return templates
