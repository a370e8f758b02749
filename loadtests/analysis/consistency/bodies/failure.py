"""Answers of GraphQL and JSON-RPC that say in their JSON that a request failed. PURE.

Both have status 200 then. Of GraphQL it is the member ``errors``, with no data beside it
(specification, 2021, section 7.1), and of JSON-RPC the member ``error`` (2.0, section 5.1).
"""

from __future__ import annotations

import functools
from typing import Any

from loadtests.analysis.consistency.bodies.json_text import json_in

MOST_CHARS = 100_000
"""Characters of a body that is read; one that says no more than what failed is short."""

ANSWERS_KEPT = 32

GRAPHQL = frozenset({"data", "errors", "extensions"})
"""The members of an answer of GraphQL: other interfaces have some more beside their errors."""


@functools.lru_cache(maxsize=ANSWERS_KEPT)
def is_failure(body: str) -> bool:
    """Return whether a body says that the request failed, or each of a list of requests.

    An answer with errors that has some of the data is none: it is of use to the client.
    """
    if '"error' not in body or len(body) > MOST_CHARS:
        return False
    parsed = json_in(body)
    answers = parsed if isinstance(parsed, list) else [parsed]
    return bool(answers) and all(map(_has_failed, answers))


def _has_failed(answer: Any) -> bool:
    if not isinstance(answer, dict):
        return False
    if answer.get("jsonrpc") == "2.0":
        return isinstance(answer.get("error"), dict)
    errors, data = answer.get("errors"), answer.get("data")
    if not errors or not isinstance(errors, list) or not GRAPHQL.issuperset(answer):
        return False
    says_why = all(isinstance(error, dict) and "message" in error for error in errors)
    fields = data.values() if isinstance(data, dict) else [data]
    return says_why and all(field is None for field in fields)
