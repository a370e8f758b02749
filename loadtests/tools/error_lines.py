"""Finds the line of a program's output that says what went wrong first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ERROR = re.compile(
    r"error|\berr!|\bfatal\b|\bdenied\b|no such|not found|\bcannot\b|could not|unable to"
    r"|read-only|no space left|not permitted|undefined"
    r"|greater than the system max",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\s*(warn(ing)?\b|note\b|info\b|deprecat|collecting )"
    r"|.*(: finished with status 'error'|error: subprocess-exited-with-error)$",
    re.IGNORECASE,
)
"""Lines that only sound like an error, and pip's headings above the error of its child process."""

_TRACEBACK = "Traceback (most recent call last)"

_FIRST_FRAME = re.compile(r'  File "')
"""What the line below a traceback's heading has, where Python's own text begins."""

_DIGITS = re.compile(r"\d+")
LEAST_REPEATS = 3
"""A line that comes so often in a log is a program that tries something again and again."""


def plain(text: str) -> str:
    """Return text without the terminal's colours."""
    return _COLOUR.sub("", text)


def first_error(lines: Sequence[str]) -> str | None:
    """Return the first line that says an error, or None.

    Of a Python traceback it is the exception's line.
    """
    texts = [plain(line) for line in lines]
    for number, text in enumerate(texts):
        if _TRACEBACK in text:
            # The frames are indented, more than whatever stands before each line of the log. Before
            # the heading, there may be more: a logger's level.
            below = texts[number + 1 :]
            frame = _FIRST_FRAME.search(below[0]) if below else None
            depth = frame.start() if frame else text.index(_TRACEBACK)
            for later in below:
                body = later[depth:]
                if body and not body[0].isspace():
                    return body.strip()
    for text in texts:
        if _ERROR.search(text) and not _HARMLESS.match(text):
            return text.strip()
    return None


def repeated(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the last line that a log has again and again, and how often; numbers may differ."""
    counts = Counter(_DIGITS.sub("0", plain(line)).strip() for line in lines)
    for line in reversed(lines):
        text = plain(line).strip()
        count = counts[_DIGITS.sub("0", text)]
        if text and count >= LEAST_REPEATS:
            return text, count
    return None
