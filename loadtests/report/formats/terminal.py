"""The end of a run on the terminal: the answer, the doublings, the cells, what to do next.

PURE: returns what rich draws; the command line prints it. Everything fits in 80 columns, and
names are Text, so nothing in them is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadtests.model.consistency import ProbeState
from loadtests.model.result import ComparisonResult, RunResult
from loadtests.model.vocabulary import Verdict
from loadtests.report.rounding import factor, figure, figures, interval
from loadtests.report.text import advice, changes, consistency, latency, profiles, requests, story
from loadtests.report.text import comparison as compared
from loadtests.report.text.variants import (
    in_force,
    load_of_times,
    notes,
    reasons,
    variants,
)

STYLES = {
    Verdict.SCALES: "bold green",
    Verdict.FALLS_SHORT: "bold red",
    Verdict.NO_GAIN: "bold red",
    Verdict.BREAKS: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INVALID: "bold magenta",
}

Rows = list[list[str | Text]]

Groups = dict[str, Rows]
"""The rows of a table by the name of what they belong to."""

FEW_VARIANTS = 3
"""So many are shown in pairs with every number of replicas; ten would make 135 rows."""

MOST_NAMES = 24
"""Requests by name that are shown in all tables together, so that the answer stays in sight."""

FEWEST_NAMES = 2
"""So many are shown of each workload at least."""

INDENT = 2
"""Columns before what belongs to the line above."""


def render(result: RunResult) -> Group:
    """Return the summary of a run."""
    return Group(*_parts(result))


def compare(result: RunResult) -> Group:
    """Return the comparison of the variants: advice, why, each one's figures, then the ratios."""
    table = _table("workload", ">replicas", "worker", "against", ">ratio [95 %]")
    trusted = compared.trusted(result)
    for comparison in _shown(result):
        _row(
            table,
            comparison.workload,
            str(comparison.replicas),
            compared.marked(comparison.worker, is_trusted=comparison in trusted),
            comparison.against,
            interval(compared.among_all(comparison), factor),
        )
    advised, without = compared.recommended(result), compared.left_out(result)
    sentences = map(Text, (*advised, *reasons(result), *without))
    return Group(*_spaced([*sentences, *_variants(result), table]))


def _shown(result: RunResult) -> list[ComparisonResult]:
    """Return the pairs with every number of replicas, or of many variants with the highest one."""
    if len(result.plan.workers) <= FEW_VARIANTS:
        return list(result.comparisons)
    most = max(result.plan.replica_counts)
    return [comparison for comparison in result.comparisons if comparison.replicas == most]


def _variants(result: RunResult) -> Iterator[RenderableType]:
    """Yield a table for each workload, and what the figures of all tables mean."""
    rows = variants(result)
    for workload in dict.fromkeys(row.workload for row in rows):
        of = [row for row in rows if row.workload == workload]
        table = _table(
            workload, ">req/s [95 %]", ">/core", ">/GB", ">p50", ">p99", ">start s", ">speed-up"
        )
        for row in of:
            _row(
                table,
                compared.marked(row.worker, is_trusted=row.is_trusted),
                figures(row.throughput_rps),
                figure(row.per_core_rps),
                figure(row.per_gigabyte_rps),
                figure(row.p50_ms),
                figure(row.p99_ms),
                figure(row.start_s),
                factor(row.speedup.estimate),
            )
        yield Group(table, *map(Text, notes(of)))
    if rows:
        count = rows[0].replicas
        yield Text(
            f"At {count} replica{'s' * (count > 1)}. p50 and p99 are response times in ms"
            f" {load_of_times(rows)}. start s is the time from the order for one more replica,"
            " without a CPU limit, to its first answer."
        )


def _parts(result: RunResult) -> Iterator[RenderableType]:
    yield Text(story.answer(result), style=STYLES[result.verdict])
    seen = in_force(result)
    if seen:
        yield Text()
        yield from (_indented(sentence) for sentence in seen)
    yield from _broken(result)
    yield from _consistency(result)
    if result.doublings:
        yield Text()
        yield from _doublings(result)
    yield Text()
    yield from _cells(result)
    yield from _requests(result)
    yield from _latency(result)
    yield from _profiles(result)
    steps = advice.next_steps(result)
    if steps:
        yield Text()
        yield Text("Next", style="bold")
        yield from (_indented(step) for step in steps)
    sentences = changes.changes(result)
    if sentences:
        yield Text()
        yield Text(changes.TITLE, style="bold")
        yield from (_indented(sentence) for sentence in sentences)


def _doublings(result: RunResult) -> Iterator[RenderableType]:
    columns = ("doubling", ">factor [95 %]", "verdict", ">CPU used", ">CPU/request")
    series: Groups = {}
    for doubling in result.doublings:
        series.setdefault(f"{doubling.worker} {doubling.workload}", []).append(
            [
                f"{doubling.replicas_from}→{doubling.replicas_to}",
                interval(doubling.factor, factor),
                Text(story.VERDICTS[doubling.verdict], style=STYLES[doubling.verdict]),
                factor(doubling.cpu_got_factor),
                factor(doubling.cpu_per_request_factor),
            ]
        )
    return _grouped(columns, series)


def _cells(result: RunResult) -> Iterator[RenderableType]:
    columns = (
        "cell",
        ">requests/s [95 %]",
        ">speed-up",
        ">p50 ms",
        ">p99 ms",
        ">CPU µs",
        "bottleneck",
    )
    series: Groups = {}
    for cell in result.cells:
        series.setdefault(f"{cell.cell.worker} {cell.cell.workload}", []).append(
            [
                f"×{cell.cell.replicas}",
                figures(cell.throughput_rps),
                factor(cell.speedup.estimate),
                figure(cell.p50_ms),
                figure(cell.p99_ms),
                figure(cell.cpu_us_per_request),
                story.BOTTLENECKS[cell.bottleneck],
            ]
        )
    return _grouped(columns, series)


def _requests(result: RunResult) -> Iterator[RenderableType]:
    """Yield the requests by name: a line for the name, and one for its figures.

    Those that failed come first; of many workloads only the commonest are shown.
    """
    tables = requests.tables(result)
    for of in tables:
        shown = of.first[: max(FEWEST_NAMES, MOST_NAMES // len(tables))]
        yield Text()
        yield Text(f"{requests.TITLE}: {of.title}", style="bold")
        columns = tuple(f">{column}" for column in requests.COLUMNS)
        groups: Groups = {row.name: [[*requests.joined(row, of.counts)]] for row in shown}
        yield from _grouped(columns, groups)
        if len(shown) < len(of.rows):
            yield _indented(f"{len(of.rows) - len(shown)} more are in report.html.")


def _latency(result: RunResult) -> Iterator[RenderableType]:
    """Yield the latency under load, with the loads that must not be believed below the table."""
    if result.latency:
        yield Text()
        yield Text("Response times from the due time, in an open loop (ms)", style="bold")
        yield from _levels(result)
        yield from (
            _indented(f"{latency.cell_name(cell)} at {level.share_ratio:.0%}: {note}")
            for cell in result.latency
            for level in cell.levels
            if (note := latency.note(level))
        )
    if result.slo:
        yield Text()
        yield Text(f"Capacity under {result.slo[0].objective}", style="bold")
        yield from _capacities(result)
    if result.slo_doublings:
        yield Text()
        yield from _capacity_doublings(result)


def _profiles(result: RunResult) -> Iterator[RenderableType]:
    """Yield where requests spend their time, and what could not be seen."""
    sentences = [*profiles.sentences(result), *profiles.notes(result)]
    if sentences:
        yield Text()
        yield Text(profiles.TITLE, style="bold")
        yield from (_indented(sentence) for sentence in sentences)


def _capacities(result: RunResult) -> Iterator[RenderableType]:
    series: Groups = {}
    for cell, (_, *texts) in zip(result.slo, latency.slo_rows(result), strict=True):
        rows = series.setdefault(f"{cell.worker} {cell.workload}", [])
        rows.append([f"×{cell.replicas}", *texts[:2]])
    return _grouped(("cell", ">rate/s [between]", ">of capacity"), series)


def _capacity_doublings(result: RunResult) -> Iterator[RenderableType]:
    series: Groups = {}
    texts_of_rows = latency.slo_doubling_rows(result)
    for doubling, (_, *texts) in zip(result.slo_doublings, texts_of_rows, strict=True):
        rows = series.setdefault(f"{doubling.worker} {doubling.workload}", [])
        rows.append([f"{doubling.replicas_from}→{doubling.replicas_to}", *texts[:2]])
    return _grouped(("doubling", ">factor [between]", "verdict"), series)


def _levels(result: RunResult) -> Iterator[RenderableType]:
    """Yield what fits of each load; the other formats have all percentiles with intervals."""
    columns = (">load", ">rate/s", ">p50", ">p90", ">p99 [95 %]", ">p99.9", ">dropped")
    cells: Groups = {}
    for cell in result.latency:
        closed = ["closed", figure(cell.capacity_rps), figure(cell.closed_p50_ms)]
        rows: Rows = [[*closed, "", figure(cell.closed_p99_ms), "", ""]]
        for level in cell.levels:
            response = level.response
            rows.append(
                [
                    f"{level.share_ratio:.0%}",
                    figure(level.rate_rps or None),
                    figure(response.p50.ms),
                    figure(response.p90.ms),
                    latency.quantile(response.p99),
                    figure(response.p999.ms),
                    str(level.dropped),
                ]
            )
        cells[latency.cell_name(cell)] = rows
    return _grouped(columns, cells)


def _broken(result: RunResult) -> Iterator[RenderableType]:
    for code, findings in story.by_rule(result.broken):
        yield Text()
        yield Text(f"Broken: {code}", style="bold magenta")
        for finding in findings:
            yield _indented(f"{story.where(finding.cell)}: {finding.detail}")
        yield _indented(story.ADVICE[code])


def _consistency(result: RunResult) -> Iterator[RenderableType]:
    sentences = consistency.sentences(result)
    if sentences:
        yield Text()
        yield Text(consistency.TITLE, style="bold")
    for state, sentence in sentences:
        style = STYLES[Verdict.BREAKS] if state is ProbeState.BREAKS else ""
        yield _indented(sentence, style)


def _indented(sentence: str, style: str = "") -> Padding:
    return Padding(Text(sentence, style=style), (0, 0, 0, INDENT))


def _spaced(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    for index, part in enumerate(parts):
        if index:
            yield Text()
        yield part


def _grouped(columns: Sequence[str], groups: Groups) -> Iterator[RenderableType]:
    """Yield one table with a line for the name of each group above its rows.

    The names can be of any length, so they are in no column: only then do all figures fit.
    """
    headings = [column.removeprefix(">") for column in columns]
    rows = [row for group in groups.values() for row in group]
    widths = [
        max(cell_len(str(text)) for text in texts) for texts in zip(headings, *rows, strict=True)
    ]
    yield Padding(_table(*columns, widths=widths), (0, 0, 0, INDENT))
    for name, group in groups.items():
        yield Text(name)
        table = _table(*columns, widths=widths)
        table.show_header = False
        for row in group:
            _row(table, *row)
        yield Padding(table, (0, 0, 0, INDENT))


def _table(*columns: str, widths: Sequence[int] | None = None) -> Table:
    """Return an empty table; a column that starts with ``>`` holds figures.

    Figures are right-aligned and never wrapped. Where a table is too wide, its names wrap.
    ``widths`` are the least widths of the columns, in characters.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, width in zip(columns, widths or [0] * len(columns), strict=True):
        holds_figures = column.startswith(">")
        table.add_column(
            # As Text, or rich would take ``[between]`` for markup.
            Text(column.removeprefix(">")),
            justify="right" if holds_figures else "left",
            no_wrap=holds_figures,
            overflow="fold",
            min_width=width or None,
        )
    return table


def _row(table: Table, *texts: str | Text) -> None:
    table.add_row(*(text if isinstance(text, Text) else Text(text) for text in texts))
