"""Placeholders in the texts of a request list: ``{1..1000}``, ``{a|b|c}`` and ``{word}``. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

PLACEHOLDER = re.compile(
    r"\{(?:(?P<low>-?\d+)\.\.(?P<high>-?\d+)"
    r"|(?P<choices>[^{}|\"]*(?:\|[^{}|\"]*)+)"
    r"|(?P<name>[A-Za-z_]\w*))\}"
)
"""A range, choices, or the name of a list. Quotes are in none, so JSON as text has none of them."""

Values = Mapping[str, Sequence[str]]

Encode = Callable[[str], bytes]


class Draw:
    """The values of one request, from ``rng``; each list gives it one value.

    Lists of the same length are columns of one table, so they are read in the same row. ``rows``
    are the rows that a user keeps, by length.
    """

    __slots__ = ("_rng", "_rows")

    def __init__(self, rng: random.Random, rows: Mapping[int, int]) -> None:
        self._rng = rng
        self._rows = dict(rows)

    def number(self, low: int, high: int) -> int:
        """Return a number from ``low`` to ``high``."""
        return low + int(self._rng.random() * (high - low + 1))

    def choice(self, choices: Sequence[str]) -> str:
        """Return one of ``choices``."""
        return choices[int(self._rng.random() * len(choices))]

    def word(self, words: Sequence[str]) -> str:
        """Return the value of a list in this request's row."""
        length = len(words)
        row = self._rows.get(length)
        if row is None:
            row = self._rows[length] = int(self._rng.random() * length)
        return words[row]


Source = Callable[[Draw], str]
"""Draws the value of one placeholder."""

Part = str | Source
"""A piece of a text: fixed, or drawn for each request."""


def parse(text: str, values: Values) -> list[Part]:
    """Return the parts of ``text``; a name that is in no ``values`` is not a placeholder."""
    parts: list[Part] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        source = source_of(match, values)
        if source is None:
            continue
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append(source)
        end = match.end()
    if end < len(text) or not parts:
        parts.append(text[end:])
    return parts


def source_of(match: re.Match[str], values: Values) -> Source | None:
    """Return how a placeholder is drawn; None for braces that are none."""
    low, choices, name = match["low"], match["choices"], match["name"]
    if low is not None:
        first, last = int(low), int(match["high"])
        if first > last:
            return None
        digits = low.removeprefix("-")
        width = len(digits) if digits.startswith("0") else 0
        return lambda draw: padded(draw.number(first, last), width)
    if choices is not None:
        options = choices.split("|")
        return lambda draw: draw.choice(options)
    words = values.get(name)
    if not words:
        return None
    return lambda draw: draw.word(words)


def padded(number: int, width: int) -> str:
    """Return a number with at least ``width`` digits, behind its sign."""
    return f"{'-' if number < 0 else ''}{abs(number):0{width}d}"


def names_in(text: str, values: Values) -> set[str]:
    """Return the names of the lists that ``text`` takes values from."""
    return {match["name"] for match in PLACEHOLDER.finditer(text) if match["name"] in values}


def range_of(text: str) -> tuple[int, int] | None:
    """Return the range if ``text`` is one and nothing else; in JSON it is a number then."""
    match = PLACEHOLDER.fullmatch(text)
    if match is None or match["low"] is None or int(match["low"]) > int(match["high"]):
        return None
    return int(match["low"]), int(match["high"])


class Template:
    """A text with placeholders as bytes; ``encode`` encodes the fixed parts and the values."""

    __slots__ = ("_parts", "fixed")

    def __init__(self, pieces: Sequence[tuple[Part, Encode]]) -> None:
        merged: list[bytes | tuple[Source, Encode]] = []
        for part, encode in pieces:
            if not isinstance(part, str):
                merged.append((part, encode))
            elif merged and isinstance(merged[-1], bytes):
                merged[-1] += encode(part)
            else:
                merged.append(encode(part))
        self._parts = tuple(merged)
        self.fixed: bytes | None = None
        """All of it, where nothing is drawn."""
        if all(isinstance(part, bytes) for part in merged):
            self.fixed = b"".join(part for part in merged if isinstance(part, bytes))

    def render(self, draw: Draw) -> bytes:
        """Return the bytes for one request."""
        if self.fixed is not None:
            return self.fixed
        return b"".join(
            [
                part if type(part) is bytes else part[1](part[0](draw))  # type: ignore[operator]  # a source
                for part in self._parts
            ]
        )
