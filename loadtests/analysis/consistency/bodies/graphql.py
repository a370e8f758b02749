"""Which requests ask for data by GraphQL, although they are sent by POST, and its texts. PURE.

Of a query, GraphQL says that it changes nothing (specification, 2021, section 2.3). The name of a
method of JSON-RPC says no such thing: ``get_or_create`` writes, and ``read_next`` takes away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loadtests.analysis.consistency.bodies.json_text import json_in
from loadtests.model.tested.workload import RequestSpec

PIECE = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|[(){}\[\]]|[A-Za-z_]\w*'
)
"""Texts, comments, brackets and names; nothing else tells where a definition begins."""

OPENING, CLOSING = frozenset("({["), frozenset(")}]")

KEY = re.compile(r"([A-Za-z_]\w*)\s*:[^:(){}]*$")
"""The name of the argument or field that a text before the next one is for."""

MOST_CHARS_BEFORE = 1000
"""Characters before a text in which that name is looked for."""

QUOTES = '"""'

MOST_CHARS = 100_000
"""Characters of a document that are read."""


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A text inside a document, from ``start`` to ``end`` with its quotes.

    ``key`` is the argument or field that it is for; "" where there is none.
    """

    start: int
    end: int
    key: str
    text: str


def literals(document: str) -> list[Literal] | None:
    """Return the texts inside a document; None if it is no GraphQL."""
    if len(document) > MOST_CHARS or not _operations(document):
        return None
    found: list[Literal] = []
    end, before = 0, ""
    for match in PIECE.finditer(document):
        if match[0][0] not in {'"', "#"}:
            continue
        before = f"{before}{document[end : match.start()]}"[-MOST_CHARS_BEFORE:]
        end = match.end()
        if match[0][0] == '"':
            key = KEY.search(before)
            name, text = key[1] if key else "", _text(match[0])
            found.append(Literal(start=match.start(), end=end, key=name, text=text))
    return found


def _text(quoted: str) -> str:
    """Return the text of a literal; the lines of a block stay as they are."""
    if quoted.startswith(QUOTES):
        return quoted[3:-3].replace(f"\\{QUOTES}", QUOTES).strip()
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted[1:-1]


def with_text(document: str, literal: Literal, text: str) -> str:
    """Return a document with another text in the place of one of its :func:`literals`."""
    new = json.dumps(text, ensure_ascii=False)
    return f"{document[: literal.start]}{new}{document[literal.end :]}"


def is_query(request: RequestSpec, as_sent: Callable[[str], str] = str) -> bool:
    """Return whether a request asks by GraphQL, and certainly changes nothing.

    Its JSON is a query, or a list of queries. A mutation, a subscription, and a document that is
    not GraphQL are none. Where a document has several operations, ``operationName`` says which.
    ``as_sent`` returns a document with a word in the place of each placeholder.
    """
    if request.method.upper() != "POST" or request.files:
        return False
    sent = json_in(request.body or "") if request.json is None else request.json
    calls = sent if isinstance(sent, list | tuple) else [sent]
    return bool(calls) and all(_asks(call, as_sent) for call in calls)


def _asks(call: Any, as_sent: Callable[[str], str]) -> bool:
    document = call.get("query") if isinstance(call, dict) else None
    if not isinstance(document, str) or len(document) > MOST_CHARS:
        return False
    operations, name = _operations(as_sent(document)), call.get("operationName")
    chosen = [kind for kind, own in operations if own == name] if name else []
    return set(chosen or [kind for kind, _ in operations]) == {"query"}


def _operations(document: str) -> list[tuple[str, str]]:
    """Return the kind and the name of each operation of a document; none if it is no GraphQL.

    A fragment is no operation. ``{…}`` alone is a query without a name.
    """
    operations: list[tuple[str, str]] = []
    head: list[str] = []
    depth = 0
    for piece in PIECE.findall(document):
        if piece[0] in {'"', "#"}:
            continue
        if piece == "{" and depth == 0:
            kind, name = (*(head or ["query"]), "")[:2]
            operations.append((kind, name))
            head = []
        elif depth == 0 and piece not in OPENING | CLOSING:
            head.append(piece)
        depth += (piece in OPENING) - (piece in CLOSING)
    is_whole = depth == 0 and not head
    return [entry for entry in operations if entry[0] != "fragment"] if is_whole else []
