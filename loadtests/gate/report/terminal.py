"""Renders a gate's result for the terminal: the answer, the endpoints, how to repeat it. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.gate.model.result import EndpointResult, GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.gate.report import functions_text, wording

STYLES = {
    GateVerdict.PASS: "bold green",
    GateVerdict.IMPROVED: "bold green",
    GateVerdict.REGRESSED: "bold red",
    GateVerdict.INCONCLUSIVE: "bold yellow",
    GateVerdict.INVALID: "bold magenta",
}


def render(result: GateResult) -> Group:
    """Return the result of a gate as text and a table."""
    return Group(*_parts(result))


def _parts(result: GateResult) -> Iterator[RenderableType]:
    yield Text(wording.answer(result), style=STYLES[result.verdict])
    yield Text()
    for title, endpoints in groupby(
        result.endpoints, lambda one: wording.title(one.worker, result)
    ):
        yield Text(f"{title}:")
        yield _table(endpoints)
        yield Text()
    for sentence in functions_text.sentences(result):
        yield Text(sentence)
    yield Text(f"base  {wording.side(result.base)}")
    yield Text(f"head  {wording.side(result.head)}")
    remarks = (*wording.remarks(result), *(finding.detail for finding in result.findings))
    for line in (*result.facts.differences, *remarks):
        yield Text(line, style="dim")
    yield Text(f"Again: {wording.again(result)}", style="dim")


def _table(endpoints: Iterable[EndpointResult]) -> Table:
    """Return one row an endpoint; units stand in the names, so that 80 columns are enough."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in wording.COLUMNS:
        table.add_column(column, justify="left" if column in {"endpoint", "verdict"} else "right")
    for endpoint in endpoints:
        *cells, verdict = wording.row_below_title(endpoint)
        table.add_row(*map(Text, cells), Text(verdict, style=STYLES[endpoint.verdict]))
    return table
