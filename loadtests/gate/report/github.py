"""Renders a gate's verdict as GitHub annotations. PURE.

They are workflow commands: ``::error title=…::message``. Percent signs and line breaks are escaped
as in GitHub's toolkit, and in titles also colons and commas.
"""

from __future__ import annotations

from loadtests.gate.model import GateResult, GateVerdict
from loadtests.gate.report import wording
from loadtests.model.safe_text import printable

LEVELS = {
    GateVerdict.REGRESSED: "error",
    GateVerdict.INCONCLUSIVE: "warning",
    GateVerdict.INVALID: "warning",
}


def render(result: GateResult) -> str:
    """Return one line per endpoint that did not pass, or a notice if all passed."""
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
    return "".join(lines)


def _line(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
