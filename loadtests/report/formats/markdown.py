"""``report.md``: a run for a job's summary or a comment on a pull request.

PURE. GitHub-flavoured Markdown. Names come from users, so all characters that are markup in
Markdown or HTML are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from loadtests.analysis.until import HowFar
from loadtests.model.result import CellResult, DoublingResult, RunResult
from loadtests.model.safe_text import printable
from loadtests.report.rounding import factor, figure, figures, interval, percent
from loadtests.report.text import advice, changes, consistency, latency, profiles, requests, story
from loadtests.report.text.comparison import among_all

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")

CELL_COLUMNS = (
    "worker",
    "workload",
    "replicas",
    "requests/s [95 %]",
    "speed-up",
    "efficiency",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "bottleneck",
)
DOUBLING_COLUMNS = ("doubling", "factor [95 %]", "verdict", "CPU used", "CPU per request", "why")
STEP_COLUMNS = ("replicas", "requests/s [95 %]", "factor [95 %]", "verdict", "why")
COMPARISON_COLUMNS = ("workload", "replicas", "worker", "against", "ratio [95 %]")

MOST_NAMES = 200
"""Requests by name in all tables together: some 25,000 of the 65,536 characters of a comment."""

FEWEST_NAMES = 5


def render(result: RunResult) -> str:
    """Return the text of ``report.md``."""
    parts = [
        f"## Twofold: {story.VERDICTS[result.verdict]}",
        escape(story.answer(result)),
        _broken(result),
        _section("Doubling factors", DOUBLING_COLUMNS, map(_doubling, result.doublings)),
        _consistency(result),
        _section("Cells", CELL_COLUMNS, map(_cell, result.cells)),
        _requests(result),
        _latency(result),
        _profiles(result),
        _section("Worker models", COMPARISON_COLUMNS, _comparisons(result)),
        _list("What to do next", advice.next_steps(result)),
        _list(changes.TITLE, changes.changes(result)),
        _about(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_how_far(answer: HowFar) -> str:
    """Return the answer of ``run --until``, and a table of its doublings."""
    rows = (
        (
            f"{step.replicas_from} → {step.replicas_to}",
            interval(step.to_rps, figure),
            interval(step.factor, factor),
            story.VERDICTS[step.verdict],
            step.why,
        )
        for step in answer.steps
    )
    answered = ("## Twofold: how far it scales", escape(answer.sentence))
    return "\n\n".join((*answered, _section("Doublings", STEP_COLUMNS, rows))) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(printable(text).split()))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of escaped texts."""
    lines = [columns, ["---"] * len(columns)]
    escaped = [[escape(text) for text in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *escaped])


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    texts = list(rows)
    return f"### {title}\n\n{table(columns, texts)}" if texts else ""


def _list(title: str, items: Sequence[str]) -> str:
    lines = "\n".join(f"- {escape(item)}" for item in items)
    return f"### {title}\n\n{lines}" if items else ""


def _consistency(result: RunResult) -> str:
    """Return what was found, and below it a row for each check."""
    found = _list(consistency.TITLE, [sentence for _, sentence in consistency.sentences(result)])
    asked = consistency.rows(result)
    return f"{found}\n\n{table(consistency.COLUMNS, asked)}" if asked else found


def _requests(result: RunResult) -> str:
    """Return a table of the requests by name for each worker model and workload.

    Those that failed come first. Of very many only the commonest are shown: a comment has a limit.
    """
    tables = requests.tables(result)
    parts = [f"### {requests.TITLE}"] if tables else []
    for of in tables:
        shown = of.first[: max(FEWEST_NAMES, MOST_NAMES // len(tables))]
        rows = ([row.name, *requests.joined(row, of.counts)] for row in shown)
        parts += [f"**{escape(of.title)}**", table(("request", *requests.COLUMNS), rows)]
        if len(shown) < len(of.rows):
            parts.append(f"{len(of.rows) - len(shown)} more are in report.html.")
    return "\n\n".join(parts)


def _latency(result: RunResult) -> str:
    parts = [
        _section("Latency under load", latency.LEVEL_COLUMNS, latency.level_rows(result)),
        escape(latency.INTRODUCTION) if result.latency else "",
        _section(
            f"Capacity under {result.slo[0].objective if result.slo else ''}",
            latency.SLO_COLUMNS,
            latency.slo_rows(result),
        ),
        _section(
            "Does that double?",
            latency.SLO_DOUBLING_COLUMNS,
            latency.slo_doubling_rows(result),
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _profiles(result: RunResult) -> str:
    """Return where requests spend their time: the findings, and the largest lines below them."""
    parts = [
        _list(profiles.TITLE, [*profiles.sentences(result), *profiles.notes(result)]),
        _section("Lines of code", profiles.LINE_COLUMNS, profiles.line_rows(result)),
        _section("The store's sessions", profiles.STORE_COLUMNS, profiles.store_rows(result)),
        _section(
            "The store's statements", profiles.STATEMENT_COLUMNS, profiles.statement_rows(result)
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _doubling(doubling: DoublingResult) -> list[str]:
    return [
        str(doubling),
        interval(doubling.factor, factor),
        story.VERDICTS[doubling.verdict],
        factor(doubling.cpu_got_factor),
        factor(doubling.cpu_per_request_factor),
        " ".join(filter(None, (doubling.reason, story.still_needed(doubling)))),
    ]


def _cell(result: CellResult) -> list[str]:
    return [
        result.cell.worker,
        result.cell.workload,
        str(result.cell.replicas),
        figures(result.throughput_rps),
        factor(result.speedup.estimate),
        percent(result.efficiency_ratio),
        figure(result.p50_ms),
        figure(result.p99_ms),
        figure(result.cpu_us_per_request),
        story.BOTTLENECKS[result.bottleneck],
    ]


def _comparisons(result: RunResult) -> list[list[str]]:
    return [
        [
            comparison.workload,
            str(comparison.replicas),
            comparison.worker,
            comparison.against,
            interval(among_all(comparison), factor),
        ]
        for comparison in result.comparisons
    ]


def _broken(result: RunResult) -> str:
    """Return the broken rules, each with where it broke and what to do about it."""
    lines = []
    for code, findings in story.by_rule(result.broken):
        lines.append(f"- **`{code}`** {escape(story.ADVICE[code])}")
        lines += [f"  - {escape(f'{story.where(f.cell)}: {f.detail}')}" for f in findings]
    return "### Broken rules\n\n" + "\n".join(lines) if lines else ""


def _about(result: RunResult) -> str:
    facts, machine = result.facts, result.machine
    about = (
        f"Run {facts.run_id}, {facts.started_at}, {result.rounds} rounds, {result.plan.backend}, "
        f"{machine.cores_in_words} ({machine.cpu_model}), seed {result.plan.seed}, "
        f"{figure(result.measured_s)} s inside windows of {figure(facts.measuring_s)} s measuring. "
        f"{latency.ceiling(result)} "
        f"Again: {facts.command}"
    )
    return escape(about)
