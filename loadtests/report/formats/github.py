"""Writes GitHub annotations, which are workflow commands in a job's log. PURE.

They are lines such as ``::error title=…::message``. Percent signs and line breaks are escaped as in
GitHub's toolkit, and in properties such as titles also colons and commas.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.model.errors import (
    EXIT_CANNOT_TELL,
    EXIT_ENVIRONMENT,
    EXIT_INTERNAL,
    EXIT_USAGE,
)
from loadtests.model.safe_text import printable

NAMES: Mapping[str, str] = {"gate": "Performance gate", "run": "Load test"}
"""What titles call the commands that measure."""

KINDS: Mapping[int, str] = {
    EXIT_USAGE: "usage",
    EXIT_CANNOT_TELL: "cannot tell",
    EXIT_ENVIRONMENT: "environment",
    EXIT_INTERNAL: "internal error",
}
"""What titles call the exit codes of a command that ended without an answer."""

MOST_LINES = 6
MOST_CHARACTERS = 600
"""Of a failure's message, which stands in the log as a whole: an annotation has little room."""


def failure(command: str, exit_code: int, message: str) -> str:
    """Return the annotation of a command that ended without an answer; empty for another one."""
    if command not in NAMES or exit_code not in KINDS:
        return ""
    level = "warning" if exit_code == EXIT_CANNOT_TELL else "error"
    return annotation(level, f"{NAMES[command]}: {KINDS[exit_code]}", shortened(message))


def annotation(level: str, title: str, message: str, *, at: str = "") -> str:
    """Return one line; ``level`` is error, warning or notice, ``at`` further properties."""
    return f"::{level} {at}title={escaped(title)}::{_data(message)}\n"


def escaped(text: str) -> str:
    """Return the value of a property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def shortened(message: str) -> str:
    """Return the beginning of a long message."""
    text = message.strip()
    short = "\n".join(text.split("\n")[:MOST_LINES])[:MOST_CHARACTERS].rstrip()
    return text if short == text else f"{short} …"
