"""Finds out whether a store refused connections of the starts that share it, by the logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from loadtests.analysis.remedies import CONNECTIONS, telling_line
from loadtests.gate.analysis.findings import MORE_CONNECTIONS
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.stack import GateStack, starts_of
from loadtests.model.safe_text import one_line
from loadtests.model.stack import without_times

MOST_LOGS = 6
"""Starts whose logs are read, the last ones: those that are loaded first get their connections."""

MOST_LINES = 2000
"""Last lines of a start's log that are read: each is compared with all known causes."""

LINE_CHARS = 300


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """The lines of logs that say so: of each version whose store refused, and of head's starts."""

    stores: dict[SideName, str] = field(default_factory=dict)
    by_head: str | None = None


def seen(stack: GateStack) -> Refusals:
    """Return which stores refused connections, and what a start of head says about it.

    A store's own line is enough. A start's has to be what explains its errors: some stores, such as
    MySQL, do not write down whom they refuse. Where a version needs nothing beside its starts, no
    start is read. A start of head is not trusted: its words could take away a verdict.
    """
    stores = {side: _first(_of_stores(stack, side)) for side in SideName}
    starts = {
        side: _first(_of_starts(stack, side))
        for side in SideName
        if stores[side] is None and stack.needed_by(side)
    }
    stores[SideName.BASE] = stores[SideName.BASE] or starts.get(SideName.BASE)
    return Refusals(
        stores={side: line for side, line in stores.items() if line is not None},
        by_head=starts.get(SideName.HEAD),
    )


def _first(lines: Iterator[str]) -> str | None:
    line = next(lines, None)
    return None if line is None else one_line(line)[:LINE_CHARS]


def told(log: str) -> str:
    """Return what to do where a log says that a store refuses connections, or nothing."""
    return f" The store refuses connections. {MORE_CONNECTIONS}" if _is_refusal(log) else ""


def _of_stores(stack: GateStack, side: SideName) -> Iterator[str]:
    for member in stack.needed_by(side):
        yield from reversed([line for line in _log(stack, member) if _is_refusal(line)])


def _of_starts(stack: GateStack, side: SideName) -> Iterator[str]:
    for start in reversed(starts_of(stack, side)[-MOST_LOGS:]):
        line = telling_line(_log(stack, start.name)[-MOST_LINES:])
        if line is not None and _is_refusal(line):
            yield line


def _log(stack: GateStack, member: str) -> list[str]:
    return [without_times(line).strip() for line in stack.log_lines(member).lines]


def _is_refusal(text: str) -> bool:
    return CONNECTIONS.words.search(text) is not None
