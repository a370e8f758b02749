"""The values of a text in JSON, each with its place. PURE."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[str | int, ...]
"""The keys and indexes that lead to a value of a JSON document."""


def json_in(text: str) -> Any:
    """Return the value of a text in JSON; None for another text."""
    try:
        value = json.loads(text)
        tuple(leaves(value))  # the others go as deep
    except (ValueError, RecursionError):
        return None
    return value


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, str | float]]:
    """Give the texts and numbers of a JSON value, at any depth, each with its place."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from leaves(entry, (*place, key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from leaves(entry, (*place, index))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield place, value


def key_of(place: Place) -> str:
    """Return the last key on the way to a value; "" where there are only indexes."""
    return next((key for key in reversed(place) if isinstance(key, str)), "")
