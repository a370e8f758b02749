"""The normal form of an answer's body: without what changes from answer to answer anyway. PURE.

Times, ids, tokens and the order of keys and of lists are no difference. Two bodies with the same
normal form count as the same.
"""

from __future__ import annotations

import json
import re
from typing import Any

from loadtests.model.consistency import Seen

REPLACED = (
    # The order matters: a UUID is hexadecimal, and a date has a time.
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (
        re.compile(
            r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d{1,2}[ -][A-Z][a-z]+[ -]\d{2,4}"
            r"( \d\d:\d\d:\d\d( (GMT|UTC|[+-]\d{4}))?)?"
        ),
        "<time>",
    ),
    (re.compile(r"\b\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[ap]m)?\b", re.IGNORECASE), "<time>"),
    (
        re.compile(
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE
        ),
        "<id>",
    ),
    (re.compile(r"\b\d{10,19}(\.\d+)?\b"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds)\b"), "<duration>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    # Not behind a dot: on a text of nothing but dots it would take for ever.
    (re.compile(r"(?<![\w.-])(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[\w.-]{20,}={0,2}"), "<token>"),
    (re.compile(r"\b\d+\.\d{3,}\b"), "<number>"),
)
"""What changes from answer to answer, and its place in the normal form."""

TOKEN_KEY = re.compile(r"token|csrf|nonce|etag|request_?id|trace|timestamp|time$|_at$|uptime|pid$")
"""Keys of JSON whose values are no difference."""

MOST_CHARS = 1 << 20
"""Characters of a body that are read. An application can send any number of them."""

SHOWN_CHARS = 60
"""Characters of each body around a difference that are shown."""


def normal(body: str) -> str:
    """Return the normal form of a body; of one that is very long, that of its beginning."""
    text = body[:MOST_CHARS]
    try:
        parsed = json.loads(text)
        return json.dumps(_normal_json(parsed), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):  # no JSON, or only made to be hard to read
        return _without_changes(" ".join(text.split()))


Key = tuple[int | None, str, str]
"""Status, location and normal form of the body: two answers with the same are alike."""


def key_of(seen: Seen) -> Key:
    """Return by what an answer is compared with others."""
    return seen.status, seen.location or "", normal(seen.body)


def key_without_query(seen: Seen) -> Key:
    """Return the same, but of a redirect the path alone: its body names its location, too."""
    if not seen.location:
        return key_of(seen)
    return seen.status, seen.location.partition("?")[0], ""


def difference(one: str, other: str) -> tuple[str, str]:
    """Return the parts of two bodies around the first place where their normal forms differ."""
    first, second = normal(one), normal(other)
    at = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    start = max(0, at - SHOWN_CHARS // 3)
    return first[start : start + SHOWN_CHARS], second[start : start + SHOWN_CHARS]


def _normal_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "<token>" if TOKEN_KEY.search(str(key)) else _normal_json(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        entries = [_normal_json(entry) for entry in value]
        return sorted(entries, key=_dumped) if len(entries) > 1 else entries
    if isinstance(value, str):
        return _without_changes(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _without_changes(str(value))
    return value


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _without_changes(text: str) -> str:
    for pattern, place in REPLACED:
        text = pattern.sub(place, text)
    return text
