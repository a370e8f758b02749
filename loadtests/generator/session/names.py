"""The names of requests, as the samples have them.

Ids in paths are grouped when they are many. Secrets are left out: what a query calls by the name of
one, the user and password of a URL, and values that the load was given as secret variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

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


HIDDEN = "***"

SECRET = re.compile(
    r"pass|pwd|secret|token|api.?key|credential|auth|cookie|private|\b(pin|otp|cvv|key|code)\b",
    re.IGNORECASE,
)
"""A part of the name of a parameter or a variable that holds a secret; as in the harness."""

USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")
PAIR = re.compile(r"(?<=[?&])([^=&#]*)=([^&#]*)")
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
SEGMENT = re.compile(r"[^/?&=#\s]+")
"""A part of a path, or a value of a query."""

SECRET_CHARS = 4
"""A secret variable that is shorter is a word such as ``on``, which names have by chance."""


class Names:
    """Gives the index of a request's name in a recorder's table; ``method`` is part of it.

    ``grouped`` are the routes whose names were put together. ``secrets`` are the values that no
    name may have.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.secrets: frozenset[str] = frozenset()
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
        shown = without_secrets(name, self.secrets)
        if shown != name:  # each may have another secret, so the name without it is kept alone
            return self.index(method, shown)
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


def without_secrets(name: str, secrets: frozenset[str] = frozenset()) -> str:
    """Return a request's name with ``***`` for its secrets; ``secrets`` are values of them."""
    name = PAIR.sub(_without_secret, USER_INFO.sub(f"{HIDDEN}@", name))
    if not secrets:
        return name
    return SEGMENT.sub(lambda part: HIDDEN if unquote(part[0]) in secrets else part[0], name)


def _without_secret(pair: re.Match[str]) -> str:
    is_kept = not SECRET.search(pair[1]) or PLACEHOLDER.fullmatch(pair[2])
    return pair[0] if is_kept else f"{pair[1]}={HIDDEN}"


def secret_values(variables: Mapping[str, str]) -> frozenset[str]:
    """Return the values of the variables that are secret by their names."""
    return frozenset(
        value
        for name, value in variables.items()
        if SECRET.search(name) and len(value) >= SECRET_CHARS
    )


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
