"""Faults that are rare, and only there where two replicas serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.second_server import broken_apps as apps
from scripts.second_server.subjects import Subject

ONE_IN = (20, 100, 1000)

REQUEST = {"path": "/", "expect": {"contains": "your page"}}


def subjects() -> Sequence[Subject]:
    """Return an application for each rate of wrong answers; users have cookies, as a browser."""
    return tuple(
        Subject(
            name=f"wrong in 1 of {one_in} at two replicas",
            files={"shop.py": apps.RARE},
            requests=(REQUEST,),
            workers=("gthread",),
            words=("--rounds", "8"),
            env={"ONE_IN": str(one_in)},
            one_in=one_in,
            verdicts=frozenset({"breaks"}),
        )
        for one_in in ONE_IN
    )


def seen_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run says of its requests at two replicas, and of what it could have seen."""
    whole = next(each for each in document["failures"] if each["name"] is None)
    at_two = next(count for count in whole["counts"] if count["replicas"] == 2)
    return {
        "failed": at_two["failed"],
        "total": at_two["total"],
        "visible_ratio": whole["visible_ratio"].get("2"),
    }


def is_right(one_in: int, verdicts: Sequence[str], seen: Mapping[str, Any]) -> bool:
    """Return whether a fault was found, or was rarer than what the run says it could have seen."""
    is_found = set(verdicts) == {"breaks"}
    return is_found or (seen["visible_ratio"] or 0.0) > 1 / one_in
