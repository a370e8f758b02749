"""Parses TOML, and goes on after an error, so that every syntax error is found at once. PURE.

:mod:`tomllib` stops at the first error. Its statement is then left out, and the rest is parsed
again.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from loadtests.config.file import positions
from loadtests.config.file.mistakes import Mistake

MOST_ERRORS = 30
"""After so many the text is no configuration, and further errors say nothing new."""

MOST_LEVELS = 40
"""A deeper table or array is no configuration; each level costs some calls."""

MOST_OF_A_KEY = 60
"""Characters of a key that a message repeats."""

_PLACE = re.compile(
    r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)"
)
_VALUE = re.compile(r"[\"'\d+\-\[{]|true|false|inf|nan")
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<key>{_KEY}(?:\s*\.\s*{_KEY})*)[\s\]]*(?:#.*)?$")
_PAIR = re.compile(rf"\s*(?P<key>{_KEY}(?:\s*\.\s*{_KEY})*)\s*=")

_WAYS_OUT = (
    ("Cannot overwrite a value", "The key is given twice. Keep one."),
    ("Duplicate inline table key", "The key is given twice. Keep one."),
    ("Cannot declare", "The table is given twice. Put its keys together."),
    ("Cannot redefine namespace", "The table is given twice. Put its keys together."),
    ("Cannot mutate immutable namespace", "The table is given twice. Put its keys together."),
    ("Illegal character '\\n'", "A string is not closed. Add its closing quote."),
    ("Unterminated string", "A string is not closed. Add its closing quote."),
    ("Unclosed array", "A bracket is not closed. Add its ]."),
    ("Unclosed inline table", "A brace is not closed. Add its }."),
    ("Expected '=' after a key", "After a key comes = and its value."),
    ("Invalid value", "This is no value of TOML. A text has quotes, a switch is true or false."),
    ("Expected newline or end of document", "One line has one key. Break the line here."),
    ("Expected ']'", "A table's name ends in ]."),
)


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a text holds: its values, the line of each path, and its syntax errors."""

    values: dict[str, Any]
    lines: dict[positions.Path, int]
    mistakes: tuple[Mistake, ...] = ()


def parse(text: str) -> Document:
    """Return the document of a text, without the statements that cannot be read."""
    lines = text.replace("\r\n", "\n").split("\n")
    mistakes: list[Mistake] = []
    while len(mistakes) < MOST_ERRORS:
        try:
            values = tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as error:
            comma = _missing_comma(error, lines)
            if comma is not None:
                mistakes.append(comma)
                continue
            first, last = _extent(error, lines)
            if not any(line.strip() for line in lines[first:last]):
                break
            mistakes.append(_mistake(error, lines, first))
            lines[first:last] = [""] * (last - first)
        except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
            return _unusable(lines, mistakes)
        else:
            if _is_deeper(values, MOST_LEVELS):
                return _unusable(lines, mistakes)
            found = positions.find("\n".join(lines))
            return Document(values=values, lines=found, mistakes=tuple(mistakes))
    return Document(values={}, lines={}, mistakes=tuple(mistakes))


def _missing_comma(error: tomllib.TOMLDecodeError, lines: list[str]) -> Mistake | None:
    """Put in the comma that is missing between two values; None if something else is wrong."""
    match = _PLACE.fullmatch(str(error))
    if match is None or not match["line"] or not match["what"].startswith("Unclosed"):
        return None
    at, column = int(match["line"]) - 1, int(match["column"]) - 1
    before, rest = lines[at][:column], lines[at][column:]
    follows = _VALUE if match["what"] == "Unclosed array" else _PAIR
    if not follows.match(rest) or (not before.strip() and _begins_statement(lines[at])):
        return None
    lines[at] = f"{before},{rest}"
    above = (number for number in range(at - 1, -1, -1) if _is_code(lines[number]))
    line = at if before.strip() else next(above, at)
    return Mistake(
        line=line + 1,
        key=_key_at(lines, _statement(lines, line)),
        problem="A comma is missing after this value.",
    )


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _unusable(lines: list[str], mistakes: list[Mistake]) -> Document:
    """Return a document without values; its longest line is the one with too much in it."""
    longest = max(range(len(lines)), key=lambda number: len(lines[number]))
    mistake = Mistake(
        line=longest + 1,
        key=_key_at(lines, longest)[:MOST_OF_A_KEY],
        problem=f"This is nested more than {MOST_LEVELS} deep, or a number of thousands of digits."
        " Leave it out.",
    )
    return Document(values={}, lines={}, mistakes=(*mistakes, mistake))


def _is_deeper(value: Any, levels: int) -> bool:
    """Tell whether tables and arrays are nested deeper; it goes level by level, not by calls."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _extent(error: tomllib.TOMLDecodeError, lines: list[str]) -> tuple[int, int]:
    """Return the lines to leave out, as indexes: the first, and the one after the last."""
    match = _PLACE.fullmatch(str(error))
    what = match["what"] if match else str(error)
    at = int(match["line"]) - 1 if match and match["line"] else len(lines)
    if "twice" in what or "overwrite" in what or "namespace" in what:
        first = _statement(lines, min(at, len(lines) - 1))
        return first, _end_of_section(lines, at) if _HEADER.match(lines[first]) else at + 1
    opened = _unclosed(lines, at)
    if opened is not None and (at == len(lines) or _begins_statement(lines[at])):
        return opened, at
    if at == len(lines):
        quotes = [number for number, line in enumerate(lines) if '"""' in line or "'''" in line]
        return (quotes[-1], at) if quotes else (_last_line(lines), at)
    if lines[at].lstrip().startswith("[") and opened is None:
        return at, _end_of_section(lines, at)
    return at, at + 1


def _last_line(lines: list[str]) -> int:
    return max((number for number, line in enumerate(lines) if line.strip()), default=0)


def _begins_statement(line: str) -> bool:
    return bool(_PAIR.match(line) or _HEADER.match(line))


def _statement(lines: list[str], at: int) -> int:
    """Return where the statement begins that ends in a line."""
    return next((number for number in range(at, -1, -1) if _begins_statement(lines[number])), at)


def _end_of_section(lines: list[str], at: int) -> int:
    following = range(at + 1, len(lines))
    return next((number for number in following if _HEADER.match(lines[number])), len(lines))


def _unclosed(lines: list[str], at: int) -> int | None:
    """Return the line of the last statement before a line if it leaves a bracket open."""
    start = next((n for n in range(at - 1, -1, -1) if _begins_statement(lines[n])), None)
    if start is None or _HEADER.match(lines[start]):
        return None
    depth = positions.open_brackets("\n".join(lines[start:at]))
    return start if depth > 0 else None


def _mistake(error: tomllib.TOMLDecodeError, lines: list[str], first: int) -> Mistake:
    what = str(error)
    problem = next((way for start, way in _WAYS_OUT if start in what), f"{what}.")
    return Mistake(line=first + 1, key=_key_at(lines, first), problem=problem)


def _key_at(lines: list[str], at: int) -> str:
    """Return the key of a line, with the table that it is in."""
    header = _HEADER.match(lines[at])
    if header is not None:
        return header["key"]
    above = (_HEADER.match(lines[number]) for number in range(at, -1, -1))
    table = next((match["key"] for match in above if match), "")
    pair = _PAIR.match(lines[at])
    if pair is None:
        beginning = re.match(rf"\s*({_KEY})", lines[at])
        key = beginning[1] if beginning else ""
    else:
        key = pair["key"]
    return ".".join(filter(None, (table, key)))
