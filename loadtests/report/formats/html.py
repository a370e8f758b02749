"""``report.html``: a run as a single file without dependencies.

PURE. All plots are SVG and need no JavaScript. Jinja escapes all text that comes from users, and
the page's content security policy forbids every request. While a run goes on, the page reloads
every two seconds; the final page does not.
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
from loadtests.report.plots.flame import flame
from loadtests.report.plots.timeline import timeline
from loadtests.report.text import advice, capacity, changes, consistency, requests, story
from loadtests.report.text import latency as latency_text
from loadtests.report.text import profiles as profiles_text
from loadtests.report.text.comparison import among_all

REFRESH_S = 2
"""Seconds between two reloads of a live page: as often as it is written."""

COLOURS = 6
"""Number of colours that colour-blind people can distinguish; the seventh worker model reuses the
first."""


def render(result: RunResult, trials: Sequence[Trial], *, live: bool) -> str:
    """Return the whole page; ``live`` while more trials are to come."""
    valid_trials = at_mean_speed([trial for trial in trials if trial.set_aside is None])
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            result=result,
            trials=len(valid_trials),
            set_aside=len(trials) - len(valid_trials),
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
            consistency=consistency.sentences(result),
            asked=consistency.rows(result),
            pairs=consistency.pairs(result),
            requests_title=requests.TITLE,
            requests_columns=requests.COLUMNS,
            requests=requests.tables(result),
            changes_title=changes.TITLE,
            changes=changes.changes(result),
            **_drawings(result, valid_trials),
        )
    )


def _drawings(result: RunResult, trials: Sequence[Trial]) -> dict[str, object]:
    all_series = series(result, trials)
    numbers = worker_numbers(result)
    laws = {(law.worker, law.workload): law for law in result.laws}
    return {
        "throughputs": _by_workload((group, throughput.panel(group)) for group in all_series),
        "efficiencies": _by_workload(
            (group, efficiency.panel(group))
            for group in all_series
            if len(group.cells) > 1 and group.cells[0].cell.replicas == 1
        ),
        "beyonds": _by_workload(
            (group, beyond.panel(group, laws[group.worker, group.workload]))
            for group in all_series
            if (group.worker, group.workload) in laws
        ),
        "next_doublings": _next_doublings(result, all_series),
        "latencies": _by_workload((group, latency.panel(group)) for group in all_series),
        "loads": _by_workload(_loads(result, numbers)),
        "forest": strips.doublings(result, trials, numbers),
        "comparisons": _comparisons(result, numbers),
        "timeline": timeline(result, trials),
        "flames": [flame(str(cell), root) for cell, root in result.profiles.flames],
    }


def _next_doublings(
    result: RunResult, all_series: Sequence[Series]
) -> list[tuple[LawResult, int, Estimate | None]]:
    """Return each law with twice its replicas and their extrapolated rate; None where unknown."""
    largest = {(series.worker, series.workload): series.cells[-1] for series in all_series}
    rows = []
    for law in result.laws:
        cell = largest[law.worker, law.workload]
        count = capacity.NEXT_DOUBLING * cell.cell.replicas
        rate = capacity.rate_at(cell, law, count) if capacity.reaches(cell, law) else None
        rows.append((law, count, rate))
    return rows


def rules(result: RunResult) -> list[tuple[RuleState, Finding, list[Finding]]]:
    """Return for each rule its worst state, the finding closest to its limit, and all findings."""
    worst = (RuleState.BROKEN, RuleState.UNCHECKED, RuleState.HOLDS)
    rows = []
    for _, findings in story.by_rule(result.findings):
        state = min((finding.state for finding in findings), key=worst.index)
        rows.append((state, _closest([f for f in findings if f.state is state]), findings))
    return rows


def _closest(findings: Sequence[Finding]) -> Finding:
    """Return the finding whose figure comes closest to its limit, or the first without one."""

    def distance(finding: Finding) -> float:
        if finding.figure is None or not finding.limit:
            return math.inf
        return abs(1 - finding.figure / finding.limit)

    return min(findings, key=distance)


def _comparisons(
    result: RunResult, numbers: Mapping[str, int]
) -> list[tuple[str, list[ComparisonResult], strips.Forest]]:
    """Return the comparisons of each workload, those of the same two worker models together."""
    grouped = []
    for workload in dict.fromkeys(ratio.workload for ratio in result.comparisons):
        ratios = sorted(
            (ratio for ratio in result.comparisons if ratio.workload == workload),
            key=lambda ratio: (numbers[ratio.worker], numbers[ratio.against], ratio.replicas),
        )
        grouped.append((workload, ratios, strips.comparisons(ratios, numbers)))
    return grouped


def _loads(
    result: RunResult, numbers: Mapping[str, int]
) -> Iterator[tuple[LatencyResult, drawing.Panel | None]]:
    """Yield the plot of each cell's latency under load, with the objective's limit."""
    limits = {(slo.worker, slo.workload, slo.replicas): slo.limit_ms for slo in result.slo}
    for cell in result.latency:
        limit_ms = limits.get((cell.worker, cell.workload, cell.replicas))
        yield cell, levels.panel(cell, numbers[cell.worker], limit_ms)


def _by_workload(
    drawn: Iterable[tuple[Series | LatencyResult, drawing.Panel | None]],
) -> list[tuple[str, list[drawing.Panel]]]:
    """Return the plots of each workload, without the missing ones."""
    grouped: dict[str, list[drawing.Panel]] = {}
    for source, panel in drawn:
        if panel is not None:
            grouped.setdefault(source.workload, []).append(panel)
    return list(grouped.items())


def new_templates() -> Environment:
    """Return an environment of templates in which whatever comes from users is escaped."""
    templates = Environment(
        loader=PackageLoader("loadtests.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(colours=COLOURS)
    return templates


@cache
def _templates() -> Environment:
    templates = new_templates()
    templates.filters.update(
        figure=rounding.figure,
        figures=rounding.figures,
        factor=rounding.factor,
        percent=rounding.percent,
        small=rounding.small,
        among_all=among_all,
        factors=lambda estimate: rounding.interval(estimate, rounding.factor),
        percents=rounding.percents,
        smalls=lambda estimate: rounding.interval(estimate, rounding.small),
    )
    templates.globals.update(
        story=story,
        consistency_text=consistency,
        latency_text=latency_text,
        profiles_text=profiles_text,
        plot=drawing,
    )
    return templates
