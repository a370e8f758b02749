"""Finds the line of each key in a TOML text. PURE.

Neither :mod:`tomllib` nor tomlkit keeps lines. This reads only texts that :mod:`tomllib` has
accepted, so it needs no checks of its own. Source of the grammar: TOML 1.0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The keys that lead to a value; an integer is an index of an array."""

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>\"{3}(?:\\.|[^\\])*?\"{3}(?!\")|'{3}.*?'{3}(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    | (?P<mark>[\[\]{}=,.])
    | (?P<bare>[^\s\[\]{}=,."'\#]+)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def find(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of each key, table and array element of a valid text."""
    reader = _Reader(_tokens(text))
    reader.read()
    return reader.lines


def open_brackets(text: str) -> int:
    """Return how many brackets and braces a text leaves open; it need not be valid."""
    marks = [token.text for token in _tokens(text) if token.kind == "mark"]
    return sum(map(marks.count, "[{")) - sum(map(marks.count, "]}"))


def _tokens(text: str) -> list[_Token]:
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "skip":
            tokens.append(_Token(kind, match[0], line))
        line += match[0].count("\n")
    return [*tokens, _Token("newline", "\n", line), _Token("end", "", line)]


class _Reader:
    """Goes through the tokens once, and notes where each path begins."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.lines: dict[Path, int] = {}
        self._tokens = tokens
        self._next = 0
        self._last_of: dict[Path, int] = {}  # the last index of each array of tables

    def read(self) -> None:
        table: Path = ()
        while self._token.kind != "end":
            if self._token.kind == "newline":
                self._take()
            elif self._token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _skip_newlines(self) -> None:
        while self._token.kind == "newline":
            self._take()

    def _header(self) -> Path:
        line, is_array = self._take().line, self._token.text == "["
        if is_array:
            self._take()
        *parents, name = self._key()
        table = self._within((), parents, line)
        table = (*table, name)
        if is_array:
            self._last_of[table] = self._last_of.get(table, -1) + 1
        self._note(table, line)
        if is_array:
            table = (*table, self._last_of[table])
            self._note(table, line)
            self._take()
        self._take()
        return table

    def _within(self, path: Path, keys: list[str], line: int) -> Path:
        """Return the path of keys below a path; it leads into the last element of arrays."""
        for key in keys:
            path = (*path, key)
            self._note(path, line)
            if path in self._last_of:
                path = (*path, self._last_of[path])
        return path

    def _note(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)

    def _key(self) -> list[str]:
        """Read a key up to the mark after it; return its parts."""
        parts = []
        while self._token.text not in {"=", "]"}:
            token = self._take()
            if token.kind == "string":
                parts.append(str(tomllib.loads(f"key = {token.text}")["key"]))
            elif token.kind == "bare":
                parts.append(token.text)
        return parts

    def _pair(self, table: Path) -> None:
        line = self._token.line
        path = self._within(table, list(self._key()), line)
        self._take()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._token.text == "{":
            self._items("}", lambda _: self._pair(path))
        elif self._token.text == "[":
            self._items("]", lambda index: self._element((*path, index)))
        else:
            while self._token.kind != "newline" and self._token.text not in {",", "]", "}"}:
                self._take()

    def _element(self, path: Path) -> None:
        self._note(path, self._token.line)
        self._value(path)

    def _items(self, end: str, read: Callable[[int], None]) -> None:
        """Read the items of an array or inline table, with the marks around them."""
        self._take()
        index = 0
        while True:
            self._skip_newlines()
            if self._token.text == end:
                break
            if self._token.text == ",":
                self._take()
                continue
            read(index)
            index += 1
        self._take()
