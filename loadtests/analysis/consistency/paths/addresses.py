"""The addresses that a client asked, which pages show that only count or log requests. PURE.

Metrics of a process have a label for each path, and a log has the last requests. What stands there
was asked, and need not be written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.consistency.bodies import form
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

PIECE = re.compile(r"[/?&=#]")

SIGNS = ".:_-"
"""Signs that a piece may have, too, and that names of metrics have between pieces."""

SIGN = rf"(?:\\?[/?&=#{SIGNS}]|%(?:2F|3F|26|3D)|&amp;|\\u0026)"
"""What stands before a piece of an address, also in JSON and in HTML."""

BETWEEN = SIGN + "{1,8}"
"""What stands between two pieces. It has an end, because a page may be nothing but such signs."""

NO_JSON = r"(?!(?:(?<=[\"'])|(?<=&quot;)|(?<=&#34;)):)"
"""No colon after a quote: what follows it is a value of JSON, such as in ``{"n":9274}``."""

PLACE = "\n"
"""What stands in the place of an address."""


def drawn_pieces(request: RequestSpec, template: RequestSpec) -> list[str]:
    """Return the pieces of a request's path that its template has not, because they were drawn."""
    fixed = set(PIECE.split(_path(template)))
    return [piece for piece in PIECE.split(_path(request)) if piece not in fixed]


def query_texts(request: RequestSpec) -> list[str]:
    """Return the texts of a query that stands in the path."""
    return list(_query_in_path(request).values())


def without(
    answers: Sequence[Seen], asked: Sequence[RequestSpec], drawn: Sequence[str] = ()
) -> tuple[Seen, ...]:
    """Return answers whose bodies show none of the addresses that were asked.

    Nor do they show what was ``drawn`` for a piece of a path as the label of a metric.
    """
    pattern = _pattern(asked, drawn)
    if pattern is None:
        return tuple(answers)
    return tuple(replace(seen, body=pattern.sub(PLACE, seen.body)) for seen in answers)


def is_part(text: str, asked: Sequence[RequestSpec]) -> bool:
    """Return whether an address has a text."""
    return any(
        text in part for request in asked for part in (_path(request), *_pairs(request).values())
    )


def _pattern(asked: Sequence[RequestSpec], drawn: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds the paths, each with its query, and the texts of queries by their names."""
    parts = {part for request in asked for part in (_of_path(request), *_of_query(request)) if part}
    pieces = {piece for request in asked for piece in PIECE.split(_path(request))}
    parts |= {_of_label(piece) for piece in pieces.intersection(drawn)}
    if not parts:
        return None
    return re.compile("|".join(sorted(parts, key=lambda part: (-len(part), part))))


def _of_path(request: RequestSpec) -> str:
    """Return what finds a path: one of several pieces also without the slash before it."""
    pieces = [_of_piece(piece) for piece in PIECE.split(_path(request)) if piece.strip(SIGNS)]
    start = f"{SIGN}?" if len(pieces) > 1 else NO_JSON + SIGN
    return start + BETWEEN.join(pieces) + r"(?!\w)" if pieces else ""


def _of_query(request: RequestSpec) -> list[str]:
    return [
        rf"(?<!\w){_of_piece(name)}(?:=|%3D){_of_piece(text)}(?!\w)"
        for name, text in _pairs(request).items()
        if text
    ]


def _of_label(piece: str) -> str:
    """Return what finds a piece as a label in the text format of Prometheus has it."""
    return rf'[{{,]\w+="{_of_piece(piece)}"'


def _of_piece(piece: str) -> str:
    """Return what finds a piece as it is, and as a URL has it."""
    encoded = form.encoded({"": piece}).removeprefix("=")
    forms = dict.fromkeys([piece, encoded, encoded.replace("+", "%20")])
    return f"(?:{'|'.join(map(re.escape, forms))})"


def _path(request: RequestSpec) -> str:
    return request.path.partition("?")[0]


def _query_in_path(request: RequestSpec) -> dict[str, str]:
    return form.parsed(request.path.partition("?")[2]) or {}


def _pairs(request: RequestSpec) -> dict[str, str]:
    """Return the names and texts of both kinds of query."""
    return {**_query_in_path(request), **request.query}
