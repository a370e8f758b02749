"""The end of a run on the terminal: the answer, the doublings, the cells, what to do next.

PURE: returns what rich draws; the command line prints it. Everything fits in 80 columns, and
names are Text, so nothing in them is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadtests.model.consistency import ProbeState
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import Verdict
from loadtests.report.rounding import factor, figure, figures, interval
from loadtests.report.text import advice, comparison, latency, story

STYLES = {
    Verdict.SCALES: "bold green",
    Verdict.FALLS_SHORT: "bold red",
    Verdict.NO_GAIN: "bold red",
    Verdict.BREAKS: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INVALID: "bold magenta",
}


def render(result: RunResult) -> Group:
    """Return the whole story of a run."""
    return Group(*_parts(result))


def compare(result: RunResult) -> Group:
    """Return the comparison of the worker models: a sentence a workload, then the ratios."""
    table = _table("workload", ">replicas", "worker", "against", ">times [95 %]")
    for found in result.comparisons:
        ratio = interval(found.ratio, factor)
        _row(table, found.workload, str(found.replicas), found.worker, found.against, ratio)
    sentences = [Text(sentence) for sentence in comparison.recommendations(result.comparisons)]
    return Group(*_spaced([*sentences, table]))


def _parts(result: RunResult) -> Iterator[RenderableType]:
    yield Text(story.answer(result), style=STYLES[result.verdict])
    yield from _broken(result)
    yield from _probes(result)
    if result.doublings:
        yield Text()
        yield _doublings(result)
    yield Text()
    yield _cells(result)
    yield from _latency(result)
    steps = advice.next_steps(result)
    if steps:
        yield Text()
        yield Text("Next", style="bold")
        yield from (_indented(step) for step in steps)


def _doublings(result: RunResult) -> Table:
    table = _table("doubling", ">factor [95 %]", "verdict", ">CPU got", ">CPU/request")
    for doubling in result.doublings:
        _row(
            table,
            str(doubling),
            interval(doubling.factor, factor),
            Text(story.VERDICTS[doubling.verdict], style=STYLES[doubling.verdict]),
            factor(doubling.cpu_got_factor),
            factor(doubling.cpu_per_request_factor),
        )
    return table


def _cells(result: RunResult) -> Table:
    table = _table(
        "cell", ">requests/s [95 %]", ">speed-up", ">p50 ms", ">p99 ms", ">CPU µs", "full"
    )
    for cell in result.cells:
        _row(
            table,
            str(cell.cell),
            figures(cell.throughput_rps),
            factor(cell.speedup.estimate),
            figure(cell.p50_ms),
            figure(cell.p99_ms),
            figure(cell.cpu_us_per_request),
            story.BOTTLENECKS[cell.bottleneck],
        )
    return table


def _latency(result: RunResult) -> Iterator[RenderableType]:
    """Yield the latency under load, with the loads that must not be believed below the table."""
    if result.latency:
        yield Text()
        yield Text("Response times from the due time, in an open loop (ms)", style="bold")
        yield _levels(result)
        yield from (
            _indented(f"{latency.cell_name(each)} at {level.share_ratio:.0%}: {told}")
            for each in result.latency
            for level in each.levels
            if (told := latency.note(level))
        )
    if result.slo:
        yield Text()
        yield Text(f"Capacity under {result.slo[0].objective}", style="bold")
        table = _table("cell", ">rate/s [between]", ">of capacity")
        for row in latency.slo_rows(result):
            _row(table, *row[:3])
        yield table
        yield Text()
        table = _table("doubling", ">factor [between]", "verdict")
        for row in latency.slo_doubling_rows(result):
            _row(table, *row[:3])
        yield table


def _levels(result: RunResult) -> Table:
    """Return what fits of each load; the other formats have all percentiles with intervals."""
    table = _table("cell", ">load", ">rate/s", ">p50", ">p99 [95 %]", ">p99.9", ">dropped")
    for each in result.latency:
        name, closed = latency.cell_name(each), (each.closed_p50_ms, each.closed_p99_ms)
        _row(table, name, "closed", figure(each.capacity_rps), *map(figure, closed))
        for level in each.levels:
            found = level.response
            _row(
                table,
                name,
                f"{level.share_ratio:.0%}",
                figure(level.rate_rps or None),
                figure(found.p50.ms),
                latency.quantile(found.p99),
                figure(found.p999.ms),
                str(level.dropped),
            )
    return table


def _broken(result: RunResult) -> Iterator[RenderableType]:
    for code, findings in story.by_rule(result.broken):
        yield Text()
        yield Text(f"Broken: {code}", style="bold magenta")
        yield from (_indented(f"{story.where(found.cell)}: {found.detail}") for found in findings)
        yield _indented(story.ADVICE[code])


def _probes(result: RunResult) -> Iterator[RenderableType]:
    told = [(state, sentence) for state, sentence in story.probes(result)]
    if told:
        yield Text()
        yield Text("One answer from all servers?", style="bold")
    for state, sentence in told:
        style = STYLES[Verdict.BREAKS] if state is ProbeState.BREAKS else ""
        yield Padding(Text(sentence, style=style), (0, 0, 0, 2))


def _indented(sentence: str) -> Padding:
    return Padding(Text(sentence), (0, 0, 0, 2))


def _spaced(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    for index, part in enumerate(parts):
        if index:
            yield Text()
        yield part


def _table(*columns: str) -> Table:
    """Return an empty table; a column that starts with ``>`` is right-aligned."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        # As Text, or ``[between]`` would be taken for markup.
        table.add_column(Text(column.lstrip(">")), justify="right" if column[0] == ">" else "left")
    return table


def _row(table: Table, *texts: str | Text) -> None:
    table.add_row(*(text if isinstance(text, Text) else Text(text) for text in texts))
