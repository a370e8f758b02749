"""The names of requests, as the samples have them: ids in paths are grouped when they are many."""

from __future__ import annotations

import re

from loadtests.generator.recorder import Recorder

SAME_ROUTE_MAX = 20
"""Names of one route that are kept apart; from then on the route is the name."""

NAMES_MAX = 300
"""Names of a trial; those beyond it share one, so that tables stay readable."""

OTHER = "(other requests)"

IDENTIFIER = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[0-9a-zA-Z_-]*\d)[0-9a-zA-Z_-]{10,}"
)
"""A segment of a path that tells one thing of many: a number, a UUID, a long word with digits."""


class Names:
    """Gives the index of a request's name in a recorder's table; ``method`` is part of it.

    ``grouped`` are the routes whose names were put together.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.grouped: dict[str, None] = {}
        self._recorder = recorder
        self._known: dict[tuple[str, str], int] = {}
        self._by_route: dict[str, set[str]] = {}

    def index(self, method: str, name: str) -> int:
        """Return the index for requests called ``name``."""
        known = self._known.get((method, name))
        return known if known is not None else self._new(method, name)

    def index_of(self, name: str) -> int:
        """Return the index for requests that a list calls ``name``."""
        return self._recorder.name_index(name)

    def _new(self, method: str, name: str) -> int:
        text = f"{method} {name}"
        route = f"{method} {route_of(name)}"
        if route != text:
            same = self._by_route.setdefault(route, set())
            if len(same) >= SAME_ROUTE_MAX:
                self.grouped.setdefault(route)
                return self._recorder.name_index(route)
            same.add(text)
        if len(self._known) >= NAMES_MAX:
            self.grouped.setdefault(OTHER)
            return self._recorder.name_index(OTHER)
        index = self._known[method, name] = self._recorder.name_index(text)
        return index


def grouped_name(text: str, grouped: dict[str, None]) -> str:
    """Return the name under which ``text`` (method and name) is reported."""
    method, _, name = text.partition(" ")
    route = f"{method} {route_of(name)}"
    return route if route in grouped else text


def route_of(name: str) -> str:
    """Return ``name`` with ``{id}`` for each id in its path, and ``{}`` for its query's values."""
    if not name.startswith("/"):
        return name
    path, question, query = name.partition("?")
    segments = ("{id}" if IDENTIFIER.fullmatch(part) else part for part in path.split("/"))
    values = "&".join(f"{pair.partition('=')[0]}={{}}" for pair in query.split("&"))
    return "/".join(segments) + (question + values if question else "")
