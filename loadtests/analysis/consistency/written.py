"""Which values a request wrote, and which of them an answer returns. PURE."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loadtests.analysis.consistency.bodies import form, graphql
from loadtests.analysis.consistency.bodies.json_text import Place, json_in, key_of, leaves
from loadtests.analysis.consistency.conversation import SHORTEST_VALUE, page_of
from loadtests.analysis.consistency.paths import addresses
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

ID_KEY = re.compile(r"(^|_)(id|uuid|slug|number|code|key)$|^id_|Id$")
"""Keys of a JSON answer whose values name what was written."""

SERVER_KEY = re.compile(
    r"(^|_)p?pid$|host|server|served|process|worker|thread|instance|container|replica|machine"
    r"|(^|_)pod",
    re.IGNORECASE,
)
"""Keys of a JSON answer whose values name who answered."""

LONGEST_VALUE = 200

SHORTEST_NAME = 3
"""Characters of a client's name that can be recognised beside the answer to a stranger."""

WORDS = frozenset({"true", "false", "null", "none", "undefined", "submit", "csrf", "save", "send"})
"""Values that occur in pages anyway."""

PLAIN_TYPES = ("", "text/plain")

JSON_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\[\"\\/bfnrt]")
"""Characters as a text of JSON has them: a pair of surrogates is one character."""

BODIES_KEPT = 32
"""Bodies whose readings are kept: that many are compared at a time."""


def sent_values(request: RequestSpec, template: RequestSpec) -> tuple[str, ...]:
    """Return the texts by which what a request wrote can be recognised, longest first.

    They are the values of its query, form, JSON and body, and what was drawn for its path: the
    ``template`` has the placeholders. What else the path has is the name of a page.
    """
    texts = [
        *addresses.drawn_pieces(request, template),
        *addresses.query_texts(request),
        *texts_of(request),
        request.body or "",
    ]
    return _longest_first([text for text in texts if _is_telling(text)])


def names_of(request: RequestSpec) -> tuple[str, ...]:
    """Return the texts of a login's form, JSON or body, by which a page may name the client."""
    return _longest_first(
        [text for text in texts_of(request) if SHORTEST_NAME <= len(text) <= LONGEST_VALUE]
    )


def texts_of(request: RequestSpec) -> list[str]:
    """Return all values that a request writes: of a document of GraphQL, the texts inside it."""
    found: list[str] = []
    for place, text in _placed(content_of(request)):
        literals = literals_at(place, text)
        found += [text] if literals is None else [literal.text for literal in literals]
    return found


def literals_at(place: Place, text: str) -> list[graphql.Literal] | None:
    """Return the texts inside a document of GraphQL; None where another value stands there."""
    return graphql.literals(text) if key_of(place) == "query" else None


def sent_apart(requests: Sequence[RequestSpec]) -> frozenset[str]:
    """Return what requests write in a form, JSON or body: beside their addresses."""
    return frozenset(text for request in requests for text in texts_of(replace(request, query={})))


def content_of(request: RequestSpec) -> dict[str, Any]:
    """Return what a request writes, as one document."""
    return {
        "query": dict(request.query),
        "form": None if request.form is None else dict(request.form),
        "json": request.json,
        "body": _parsed_body(request),
    }


def _parsed_body(request: RequestSpec) -> Any:
    """Return the values of a body in JSON or of a form, or a plain text; None for another."""
    body, kind = request.body or "", content_type(request)
    if kind == form.TYPE:
        return form.parsed(body)
    parsed = json_in(body)
    if isinstance(parsed, dict | list):
        return parsed
    return request.body if kind in PLAIN_TYPES else None


def content_type(request: RequestSpec) -> str:
    """Return the type of a request's body by its header, in small letters; "" without one."""
    kinds = [text for name, text in request.headers.items() if name.lower() == "content-type"]
    return kinds[0].partition(";")[0].strip().lower() if kinds else ""


def answered_values(answer: Seen) -> tuple[str, ...]:
    """Return the values of an answer that may be of what was written, longest first."""
    return _longest_first(
        [
            text
            for place, text in _placed(json_in(answer.body))
            if _is_telling(text) and not SERVER_KEY.search(key_of(place))
        ]
    )


def named_values(answer: Seen) -> tuple[str, ...]:
    """Return those under a key that names what was written, longest first."""
    placed = _placed(json_in(answer.body))
    named = {text for place, text in placed if ID_KEY.search(key_of(place))}
    return tuple(text for text in answered_values(answer) if text in named)


def made_values(first: Seen, second: Seen) -> tuple[str, ...]:
    """Return the values of the ``second`` answer that were made for this write, longest first.

    The ``first`` is the same server's answer to the same write before. What did not change since is
    no value of a write: it may be the server's own name.
    """
    before = dict(_placed(json_in(first.body)))
    after = dict(_placed(json_in(second.body)))
    made = {text for place, text in after.items() if before.get(place, text) != text}
    return tuple(text for text in answered_values(second) if text in made)


def values_of(request: RequestSpec, template: RequestSpec, answer: Seen) -> tuple[str, ...]:
    """Return the texts that a request wrote, and those of its answer, longest first."""
    return _longest_first([*sent_values(request, template), *answered_values(answer)])


def _longest_first(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts), key=lambda text: (-len(text), text)))


def _is_telling(text: str) -> bool:
    return (
        SHORTEST_VALUE <= len(text.strip()) <= LONGEST_VALUE
        and text.lower() not in WORDS
        and text == text.strip()
    )


def ids_of(answer: Seen) -> tuple[str, ...]:
    """Return what may name the thing that was written: ids of the answer, and of its location."""
    parsed = json_in(answer.body)
    ids = [str(parsed)] if isinstance(parsed, int) and not isinstance(parsed, bool) else []
    ids += [value for key, value in _pairs(parsed) if ID_KEY.search(key)]
    last = page_of(answer).rstrip("/").rpartition("/")[2]
    return tuple(dict.fromkeys([*ids, *([last] if last.isdigit() else [])]))


def handles_of(answer: Seen) -> tuple[str, ...]:
    """Return all that may name what was written: the ids first, then other values of the answer.

    Of a value that is an address, such as ``status_url``, it is the last piece.
    """
    values = (value.rstrip("/").rpartition("/")[2] for value in answered_values(answer))
    last = page_of(answer).partition("?")[0].rstrip("/").rpartition("/")[2]
    return tuple(dict.fromkeys([*ids_of(answer), *values, *([last] if last else [])]))


def returned(
    values: Sequence[str], request: RequestSpec, before: Sequence[Seen], after: Sequence[Seen]
) -> tuple[str, ...]:
    """Return the values that an answer has since the write, and that its request does not say.

    A server has several processes, so any of the answers ``after`` will do.
    """
    sent = [text for _, text in _placed(content_of(request))]
    asked = "\n".join([request.path, *sent, *texts_of(request)])
    return tuple(
        value
        for value in values
        if value not in asked and is_in(value, after) and not is_in(value, before)
    )


def returned_elsewhere(
    values: Sequence[str],
    request: RequestSpec,
    before: Sequence[Seen],
    after: Sequence[Seen],
    asked: Sequence[RequestSpec],
) -> tuple[str, ...]:
    """Return what :func:`returned` does, without what stands in the addresses ``asked`` alone.

    A page of metrics or a log of requests shows these, whatever was written.
    """
    found = returned(values, request, (), after)
    parts = [value for value in found if addresses.is_part(value, asked)]
    fresh = returned([value for value in found if value not in parts], request, before, after)
    if parts:
        earlier, later = (addresses.without(answers, asked, parts) for answers in (before, after))
        fresh = (*fresh, *returned(parts, request, earlier, later))
    return tuple(value for value in values if value in fresh)


def is_in(text: str, answers: Sequence[Seen]) -> bool:
    """Return whether the body of any answer has a text."""
    return any(has(text, seen.body) for seen in answers)


def has(text: str, body: str) -> bool:
    r"""Return whether a body has a text: as it is, or escaped as in JSON or HTML.

    JSON has ``\u043c`` or ``\n`` for a character, HTML has ``&amp;``, and one may lie in the other.
    A line may end in CR LF.
    """
    if text in body:
        return True
    lines = _with_plain_ends(text)
    return any(lines in shown for shown in _readings(body))


@functools.lru_cache(maxsize=BODIES_KEPT)
def _readings(body: str) -> tuple[str, ...]:
    """Return a body without its escapes: as JSON, as HTML, and as one in the other."""
    of_html, of_json = html.unescape(body), _without_json(body)
    shown = (body, of_json, of_html, html.unescape(of_json), _without_json(of_html))
    return tuple(dict.fromkeys(map(_with_plain_ends, shown)))


def _without_json(body: str) -> str:
    return JSON_ESCAPE.sub(_character, body)


def _character(escaped: re.Match[str]) -> str:
    """Return the characters that an escape of JSON stands for."""
    try:
        return str(json.loads(f'"{escaped[0]}"'))
    except ValueError:
        return str(escaped[0])


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


def _placed(value: Any) -> Iterator[tuple[Place, str]]:
    """Give the scalar values of a JSON value as texts, each with its place."""
    yield from ((place, str(entry)) for place, entry in leaves(value))


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Give the keys and scalar values of a JSON value, at any depth."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(entry, str | int) and not isinstance(entry, bool):
                yield str(key), str(entry)
            else:
                yield from _pairs(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _pairs(entry)
