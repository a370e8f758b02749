"""Which values a request wrote, and which of them an answer returns. PURE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtests.analysis.consistency.conversation import ORIGIN, SHORTEST_VALUE
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

ID_KEY = re.compile(r"(^|_)(id|uuid|slug|number|code|key)$|^id_|Id$")
"""Keys of a JSON answer whose values name what was written."""

LONGEST_VALUE = 200

WORDS = frozenset({"true", "false", "null", "none", "undefined", "submit", "csrf", "save", "send"})
"""Values that occur in pages anyway."""

PIECE = re.compile(r"[/?&=#]")


def values_of(request: RequestSpec, answer: Seen) -> tuple[str, ...]:
    """Return the texts by which what a request wrote can be recognised, longest first.

    They are the values of its path, form, JSON and body, and those of the answer.
    """
    texts = [
        *PIECE.split(request.path),
        *(str(value) for value in request.query.values()),
        *(str(value) for value in (request.form or {}).values()),
        *_scalars(request.json),
        request.body or "",
        *_scalars(_json(request.body or "")),
        *_scalars(_json(answer.body)),
    ]
    return tuple(sorted({text for text in texts if _is_telling(text)}, key=len, reverse=True))


def _is_telling(text: str) -> bool:
    return (
        SHORTEST_VALUE <= len(text.strip()) <= LONGEST_VALUE
        and text.lower() not in WORDS
        and text == text.strip()
    )


def ids_of(answer: Seen) -> tuple[str, ...]:
    """Return what may name the thing that was written: ids of the answer, and of its location."""
    parsed = _json(answer.body)
    ids = [str(parsed)] if isinstance(parsed, int) and not isinstance(parsed, bool) else []
    ids += [value for key, value in _pairs(parsed) if ID_KEY.search(key)]
    last = ORIGIN.sub("", answer.location or "").rstrip("/").rpartition("/")[2]
    return tuple(dict.fromkeys([*ids, *([last] if last.isdigit() else [])]))


def returned(
    values: Sequence[str], request: RequestSpec, before: Seen | None, after: Seen
) -> tuple[str, ...]:
    """Return the values that an answer has since the write, and that its request does not say."""
    asked = f"{request.path} {' '.join(request.query.values())}"
    earlier = before.body if before is not None else ""
    return tuple(
        value
        for value in values
        if value in after.body and value not in earlier and value not in asked
    )


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
        tuple(_scalars(value))  # the others go as deep
    except (ValueError, RecursionError):
        return None
    return value


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from _scalars(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _scalars(entry)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


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
