"""Renders ``report.md`` of a gate, for a pull request's comment and a job summary. PURE."""

from __future__ import annotations

from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.gate.report import functions_text, wording
from loadtests.report.formats.markdown import escape, table
from loadtests.report.rounding import figure

MARKS = {
    GateVerdict.PASS: "✅",
    GateVerdict.IMPROVED: "✅",
    GateVerdict.REGRESSED: "❌",
    GateVerdict.INCONCLUSIVE: "❔",
    GateVerdict.INVALID: "⚠️",
}


def render(result: GateResult) -> str:
    """Return the text of ``report.md``."""
    rows = [wording.row(endpoint, result) for endpoint in result.endpoints]
    parts = [
        f"## {MARKS[result.verdict]} Performance gate: {wording.VERDICTS[result.verdict]}",
        escape(wording.answer(result)),
        table(wording.COLUMNS, rows) if rows else "",
        _functions(result),
        _noticed(result),
        _about(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _functions(result: GateResult) -> str:
    """Return what profiles show; the table has only what is shown to have changed."""
    told = (f"- {escape(sentence)}" for sentence in functions_text.sentences(result))
    tables = (
        table(
            functions_text.COLUMNS[:-1],
            [row[:-1] for row in functions_text.rows(shown) if row[-1]],
        )
        for shown in result.functions
        if shown.changed
    )
    return "\n\n".join(part for part in ("\n".join(told), *tables) if part)


def _noticed(result: GateResult) -> str:
    findings = (
        f"- **`{finding.code}`**{' (warning)' if finding.warning else ''} {escape(finding.detail)}"
        for finding in result.findings
    )
    remarks = (f"- {escape(remark)}" for remark in wording.remarks(result))
    return "\n".join((*findings, *remarks))


def _about(result: GateResult) -> str:
    lines = [
        f"- base: {escape(wording.side(result.base))}",
        f"- head: {escape(wording.side(result.head))}",
        *(f"- {escape(line)}" for line in result.facts.differences),
        "- Changes are those of the performance: below 0 is worse. The lower end of the interval"
        " decides `pass`, its upper end `regressed`."
        f" Error probabilities of the whole gate: {result.plan.beta:.0%} and"
        f" {result.plan.alpha:.0%}.",
        f"- {escape(_measured(result))}",
        f"- Again: {escape(wording.again(result))}",
    ]
    return (
        "<details><summary>What was compared, and how</summary>\n\n"
        + "\n".join(lines)
        + "\n\n</details>"
    )


def _measured(result: GateResult) -> str:
    evidence, machine = result.evidence, result.machine
    return (
        f"Gate {result.facts.gate_id}: {len(evidence.pairs)} starts of each version side by side,"
        f" {len(evidence.blocks)} blocks of one and two replicas in sequence;"
        f" {figure(result.measured_s / 60)} minutes of measuring,"
        f" {figure(result.facts.wall_s / 60)} in total, on {machine.cores_in_words}"
        f" ({machine.cpu_model})."
    )
