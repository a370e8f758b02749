"""Which requests ask for data by GraphQL, although they are sent by POST. PURE.

Of a query, GraphQL says that it changes nothing (specification, 2021, section 2.3). The name of a
method of JSON-RPC says no such thing: ``get_or_create`` writes, and ``read_next`` takes away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from loadtests.model.tested.workload import RequestSpec

PIECE = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|[(){}\[\]]|[A-Za-z_]\w*'
)
"""Texts, comments, brackets and names; nothing else tells where a definition begins."""

OPENING, CLOSING = frozenset("({["), frozenset(")}]")

MOST_CHARS = 100_000
"""Characters of a document that are read."""


def is_query(request: RequestSpec, as_sent: Callable[[str], str] = str) -> bool:
    """Return whether a request asks by GraphQL, and certainly changes nothing.

    Its JSON is a query, or a list of queries. A mutation, a subscription, and a document that is
    not GraphQL are none. Where a document has several operations, ``operationName`` says which.
    ``as_sent`` returns a document with a word in the place of each placeholder.
    """
    if request.method.upper() != "POST" or request.files:
        return False
    sent = _sent(request)
    calls = sent if isinstance(sent, list | tuple) else [sent]
    return bool(calls) and all(_asks(call, as_sent) for call in calls)


def _sent(request: RequestSpec) -> Any:
    """Return the JSON that a request sends; None for another body."""
    if request.json is not None:
        return request.json
    try:
        return json.loads(request.body or "")
    except (ValueError, RecursionError):
        return None


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
