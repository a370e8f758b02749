"""Renders a gate's verdict as GitHub annotations. PURE.

They are workflow commands: ``::error title=…::message``. Percent signs and line breaks are escaped
as in GitHub's toolkit, and in titles also colons and commas. A function that changed has its own
at its line, where its file is the one of the checkout.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.gate.report import functions_text, wording
from loadtests.model.safe_text import printable

LEVELS = {
    GateVerdict.REGRESSED: "error",
    GateVerdict.INCONCLUSIVE: "warning",
    GateVerdict.INVALID: "warning",
}


def render(result: GateResult) -> str:
    """Return a line per endpoint that did not pass, or a notice; and one per changed function."""
    if result.verdict is GateVerdict.INVALID:
        return _line("warning", "Performance gate: invalid", result.reason)
    lines = [
        _line(
            LEVELS[endpoint.verdict],
            f"Performance gate: {wording.name(endpoint, result)}"
            f" {wording.VERDICTS[endpoint.verdict]}",
            endpoint.reason,
        )
        for endpoint in result.endpoints
        if endpoint.verdict in LEVELS
    ]
    if not lines:
        lines = [_line("notice", "Performance gate: passes", wording.answer(result))]
    return "".join((*lines, *_not_compared(result), *_at_lines(result)))


def _not_compared(result: GateResult) -> Iterator[str]:
    for remark in result.facts.remarks:
        yield _line("notice", "Performance gate: not compared", remark)


def _at_lines(result: GateResult) -> Iterator[str]:
    level = LEVELS.get(result.verdict, "notice")
    for file, line, message in functions_text.remarks_at_lines(result):
        at = f"file={_property(file)},line={line},"
        yield _line(level, "Performance gate: CPU per request", message, at=at)


def _line(level: str, title: str, message: str, *, at: str = "") -> str:
    return f"::{level} {at}title={_property(title)}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
