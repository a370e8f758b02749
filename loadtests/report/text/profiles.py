"""Where requests wait, in rows and sentences that all reports share. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.analysis.profiles import statements, wording
from loadtests.model.profiles.results import ProfileFinding, ProfileResult, Span
from loadtests.model.result import RunResult
from loadtests.report.rounding import figure, percent

TITLE = "Where requests spend their time"

INTRODUCTION = (
    "After the measured rounds, the same load ran again while the stacks of all threads were looked"
    " at from outside. The times are milliseconds per request inside the application, with 95 %"
    " intervals. Queues, the server's own work and the proxy are not in them."
)

LINE_COLUMNS = ("cell", "line", "calls", "ms per request [95 %]", "share", "mostly")

KIND_COLUMNS = ("cell", "a request is", "ms per request [95 %]")

STORE_COLUMNS = ("cell", "sessions", "waited for", "statement")

STATEMENT_COLUMNS = ("cell", "share of the store's time", "calls", "ms a call", "statement")

MOST_LINES = 6
"""Lines of a cell that a report shows; ``run.json`` has more."""

LEAST_SHARE = 0.02

OF_A_URL = (
    "Of a deployment at a URL, nothing is told of where requests wait: Twofold does not know its"
    " processes. Measure the application where Twofold starts the replicas: twofold run with an"
    " import string, an image or a Compose file."
)

MOST_STATEMENTS = 4

LEAST_SESSIONS = 0.05
"""Fewer sessions at once are shown as 0.0, and say nothing."""


def span(value: Span) -> str:
    """Return ``41.2 [36.0, 46.4]``."""
    return f"{figure(value.estimate)} [{figure(value.low)}, {figure(value.high)}]"


def sentences(result: RunResult) -> list[str]:
    """Return the finding of each series' largest cell, one or two sentences each."""
    return [
        " ".join(
            filter(None, (f"{found.worker} on {found.workload}: {found.sentence}", found.store))
        )
        for found in largest(result)
    ]


def largest(result: RunResult) -> list[ProfileFinding]:
    """Return the finding with the most replicas of each series."""
    by_series: dict[tuple[str, str], ProfileFinding] = {}
    for found in sorted(result.profiles.findings, key=lambda found: found.replicas_to):
        by_series[found.worker, found.workload] = found
    return list(by_series.values())


def line_rows(result: RunResult) -> list[list[str]]:
    """Return the largest lines of each cell, a row each."""
    return [
        [
            str(cell.cell),
            str(line),
            line.callee,
            span(line.ms),
            percent(line.share_ratio),
            wording.doing(line),
        ]
        for cell in result.profiles.cells
        for line in cell.lines[:MOST_LINES]
        if line.share_ratio >= LEAST_SHARE
    ]


def kind_rows(result: RunResult) -> list[list[str]]:
    """Return what a request of each cell does, the longest first."""
    return [
        [str(cell.cell), wording.DOES[kind], span(time)]
        for cell in result.profiles.cells
        for kind, time in sorted(cell.kinds.items(), key=lambda item: -item[1].estimate)
    ]


def store_rows(result: RunResult) -> list[list[str]]:
    """Return what the store's sessions did in each cell, the most frequent first."""
    return [
        [str(cell.cell), f"{sessions:.1f}", wait, statements.cut(statement)]
        for cell in result.profiles.cells
        for wait, statement, sessions in statements.largest(cell.store)[:MOST_STATEMENTS]
        if sessions >= LEAST_SESSIONS
    ]


def statement_rows(result: RunResult) -> list[list[str]]:
    """Return which statements took how much of the store's time in each cell, the most first."""
    return [
        [
            str(cell.cell),
            percent(counted.share_ratio),
            str(counted.calls),
            figure(counted.ms / counted.calls),
            statements.cut(counted.statement),
        ]
        for cell in result.profiles.cells
        if cell.store is not None
        for counted in cell.store.statements[:MOST_STATEMENTS]
        if counted.share_ratio >= LEAST_SHARE
    ]


def notes(result: RunResult) -> list[str]:
    """Return what could not be seen, and what looking cost, in sentences."""
    told = [
        f"{cell.cell.worker}: {text}"
        for cell in result.profiles.cells
        for text in (cell.unseen, cell.note, cell.store_note)
        if text
    ]
    return [*dict.fromkeys(told), *_costs(result.profiles.cells)]


def _costs(cells: Sequence[ProfileResult]) -> Iterator[str]:
    costs = [cell.looking_cpus for cell in cells if cell.looking_cpus is not None and cell.looks]
    if not costs:
        return
    looks = sum(cell.looks for cell in cells)
    slower = [
        1 - 1 / (1 + cell.slowdown_ratio) for cell in cells if cell.slowdown_ratio is not None
    ]
    beside = ""
    if slower:
        low, high = (round(-100 * share) + 0 for share in (max(slower), min(slower)))
        beside = (
            f" Throughput meanwhile differed from that of the measured rounds by {low:+d} to"
            f" {high:+d} %."
        )
    yield (
        f"{looks} looks cost {max(costs):.2f} of a core at most, beside the replicas, and none of"
        f" it is in a measured round.{beside}"
    )
