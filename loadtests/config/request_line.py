"""Parses a request in one line: ``3 GET /search?q={word}``. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loadtests.config.names import did_you_mean
from loadtests.model.errors import UsageError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
MAX_WEIGHT = 10_000
EXAMPLE = '"3 GET /search?q={word}"'

_LINE = re.compile(r"(?:(?P<weight>[-+]?[\d.]+)\s+)?(?:(?P<method>[^\s/]+)\s+)?(?P<path>\S+)")


@dataclass(frozen=True, kw_only=True)
class RequestLine:
    """A request: its share among the requests of its list, its method and its path."""

    weight: int = 1
    method: str = "GET"
    path: str


def parse(text: str) -> RequestLine:
    """Return the request of a line: a weight and a method, both optional, and a path.

    Raises :class:`UsageError` for others.
    """
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is no request: expected a weight, a method and a path without spaces"
            f" (%20 stands for one). Example: {EXAMPLE}."
        )
    return RequestLine(
        weight=weight_of(match["weight"]),
        method=method_of(match["method"] or "GET"),
        path=path_of(match["path"]),
    )


def weight_of(text: str | None) -> int:
    """Return a weight; raise :class:`UsageError` if it is no integer from 1 on."""
    if text is None:
        return 1
    if not text.isdigit() or not 1 <= int(text) <= MAX_WEIGHT:
        raise UsageError(
            f"The weight {text} has to be an integer from 1 to {MAX_WEIGHT}. Example: {EXAMPLE}."
        )
    return int(text)


def method_of(text: str) -> str:
    """Return a method in capitals; raise :class:`UsageError` for an unknown one."""
    method = text.upper()
    if method not in METHODS:
        raise UsageError(
            f"Unknown method {text!r}.{did_you_mean(method, METHODS)} Known: {', '.join(METHODS)}."
        )
    return method


def path_of(text: str) -> str:
    """Return a path; raise :class:`UsageError` if it is none on the target."""
    if "://" in text.partition("?")[0]:
        raise UsageError(f"{text!r} names a host. Only the target is loaded: write the path alone.")
    if not text.startswith("/") or text.startswith("//"):
        raise UsageError(f"The path {text!r} has to begin with one slash. Try /{text.lstrip('/')}.")
    if any(character.isspace() for character in text):
        raise UsageError(f"The path {text!r} has a space. Write %20 for it.")
    if "#" in text:
        raise UsageError(f"The path {text!r} has a #. What follows is never sent: leave it out.")
    return text
