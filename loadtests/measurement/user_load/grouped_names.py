"""Says which requests of a locustfile are counted under one name, though it names them apart."""

from __future__ import annotations

from collections.abc import Iterable

MARKS = ("{id}", "={}", "(other requests)")
"""What the generator puts in the place of many ids; see its ``session/names.py``."""

MOST_SHOWN = 5


def note(names: Iterable[str]) -> str | None:
    """Return a sentence on the names of requests that stand for many; None where there are none."""
    grouped = sorted({name for name in names if any(mark in name for mark in MARKS)})
    if not grouped:
        return None
    more = f" and {len(grouped) - MOST_SHOWN} more" if len(grouped) > MOST_SHOWN else ""
    return (
        f"Many requests differ by ids only, so they are counted by their route:"
        f" {', '.join(grouped[:MOST_SHOWN])}{more}. Give them a name (name=) to count them"
        " otherwise."
    )
