"""What one client asks in a check: the requests of a load, once each, in an order that tells. PURE.

First the start (such as a login), then what reads, then what writes, then what reads again.
Requests that would take back what was written are left out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from loadtests.analysis.consistency.bodies.graphql import is_query
from loadtests.model.consistency import Seen
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import RequestSpec, Workload

READING = frozenset({"GET", "HEAD"})

SPOILS = re.compile(
    r"(?<!cata)(?<!dia)(?<!b)log-?_?(out|off)|(?<!de)(?<!as)sign-?_?(out|off)"
    r"|/(delete|remove|reset|clear|shutdown|revoke|destroy)\b",
    re.IGNORECASE,
)
"""Paths that end a session, or take back what was written; /catalog-offers is none."""

PLACEHOLDER = re.compile(
    r"\{(?:(?P<low>-?\d+)\.\.(?P<high>-?\d+)"
    r"|(?P<choices>[^{}|\"]*(?:\|[^{}|\"]*)+)"
    r"|(?P<name>[A-Za-z_]\w*))\}"
)
"""A range, choices, or the name of a list; as in ``generator.request_list.placeholders``."""

ID_NUMBER = re.compile(r"[0-9]{1,100}")
"""An id that is a number: Python refuses to read thousands of digits, and a superscript two."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

ORIGIN = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
"""Scheme and host of a URL."""

SHORTEST_VALUE = 4
"""Characters of a written value that can be recognised in an answer."""

MOST_REQUESTS = 24
"""Requests of a load that are asked; a longer list is shortened, and that is said."""

NOT_SEEN = "the check trial showed none of its requests"

NOT_KEPT = {"body": ""}
"""The files of a recorded request whose body is not known: it is long, or no text."""

Values = Mapping[str, Sequence[str]]

Drawn = dict[tuple[str, int], str]
"""What was drawn for a placeholder, by its text and by which of a request's it is; and the rows of
lists (``ROW``), by their length."""

ROW = "row"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The requests of a client; ``left_out`` has the names of others, and why.

    ``headers`` go with every request, and are those of these requests, too. ``recorded`` says that
    a check trial sent the requests: they may have what an answer gave.
    """

    start: tuple[RequestSpec, ...] = ()
    reads: tuple[RequestSpec, ...] = ()
    writes: tuple[RequestSpec, ...] = ()
    values: Values
    left_out: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = False


def conversation_of(workload: Workload, seen: Sequence[RequestSpec] = ()) -> Conversation:
    """Return what a client asks of a workload; ``seen`` are the requests of its check trial."""
    left_out: list[tuple[str, str]] = []
    if workload.locustfile is not None:
        requests = tuple(seen)
        left_out = [] if requests else [("The locustfile", NOT_SEEN)]
    else:
        requests = workload.requests or (RequestSpec(path=workload.path),)
    reads: list[RequestSpec] = []
    writes: list[RequestSpec] = []
    for request in requests:
        why = _why_not(request)
        if why is None and len(reads) + len(writes) < MOST_REQUESTS:
            asked = reads if _reads(request, workload.values) else writes
            asked.append(with_headers(request, workload.headers))
        else:
            left_out.append((name_of(request), why or f"only {MOST_REQUESTS} are asked"))
    return Conversation(
        start=tuple(with_headers(request, workload.headers) for request in workload.start),
        reads=tuple(reads),
        writes=tuple(writes),
        values=workload.values,
        left_out=tuple(left_out),
        headers=workload.headers,
        recorded=workload.locustfile is not None,
    )


def _reads(request: RequestSpec, values: Values) -> bool:
    def word(match: re.Match[str]) -> str:
        is_list = match["name"] is None or match["name"] in values
        return "word" if is_list else match[0]  # {notes} without such a list is GraphQL

    def as_sent(document: str) -> str:
        return PLACEHOLDER.sub(word, document)

    return request.method.upper() in READING or is_query(request, as_sent)


def merged_headers(own: Mapping[str, str], load: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request: those of its load below its own."""
    names = {name.lower() for name in own}
    return {**{name: text for name, text in load.items() if name.lower() not in names}, **own}


def with_headers(request: RequestSpec, headers: Mapping[str, str]) -> RequestSpec:
    """Return a request that also has the headers of its load."""
    return replace(request, headers=merged_headers(request.headers, headers))


def common_headers(workloads: Sequence[Workload], rng: random.Random) -> Mapping[str, str]:
    """Return the headers that all loads send, with a value for each of their placeholders."""
    first = workloads[0]
    common = {
        name: value
        for name, value in first.headers.items()
        if all(workload.headers.get(name) == value for workload in workloads)
    }
    return filled(RequestSpec(headers=common), first.values, rng).headers


def _why_not(request: RequestSpec) -> str | None:
    if request.files == NOT_KEPT:
        return "its body is long, or no text"
    if request.files:
        return "it uploads a file"
    if request.method.upper() == "DELETE" or SPOILS.search(request.path):
        return "it takes back what the others write"
    return None


def name_of(request: RequestSpec) -> str:
    """Return the name of a request for people: method and path, where it has none."""
    return request.name or f"{request.method.upper()} {path_without_secrets(request.path)}"


def filled(
    request: RequestSpec, values: Values, rng: random.Random, drawn: Drawn | None = None
) -> RequestSpec:
    """Return a request with a value for each of its placeholders.

    Requests that share ``drawn`` have the same value for the same placeholder, so that one reads
    what another wrote. A request that has a placeholder twice may have two values for it. Lists of
    the same length are columns of one table, so they are read in the same row.
    """
    shared: Drawn = {} if drawn is None else drawn
    times: Counter[str] = Counter()

    def draw(match: re.Match[str]) -> str:
        if match["name"] is not None:
            words = values.get(match["name"])
            return _in_row(words, rng, shared) if words else str(match[0])
        place = (match[0], times[match[0]])
        times[match[0]] += 1
        if place not in shared:
            shared[place] = _drawn(match, rng)
        return shared[place]

    def text(value: str) -> str:
        return PLACEHOLDER.sub(draw, value)

    def texts(pairs: Mapping[str, str]) -> dict[str, str]:
        return {name: text(value) for name, value in pairs.items()}

    def json(value: Any) -> Any:
        if isinstance(value, str):
            match = PLACEHOLDER.fullmatch(value)
            return int(text(value)) if match and match["low"] else text(value)
        if isinstance(value, Mapping):
            return {name: json(entry) for name, entry in value.items()}
        return [json(entry) for entry in value] if isinstance(value, list | tuple) else value

    return replace(
        request,
        name=name_of(request),
        path=text(request.path),
        query=texts(request.query),
        headers=texts(request.headers),
        form=None if request.form is None else texts(request.form),
        json=json(request.json),
        body=None if request.body is None else text(request.body),
    )


def _in_row(words: Sequence[str], rng: random.Random, shared: Drawn) -> str:
    place = (ROW, len(words))
    shared[place] = row = shared.get(place) or str(rng.randrange(len(words)))
    return words[int(row)]


def kept_rows(talk: Conversation, drawn: Drawn) -> Drawn:
    """Return the rows that a client keeps, as users do: those of the lists of its ``start``."""
    names = {match["name"] for match in PLACEHOLDER.finditer(repr(talk.start))}
    lengths = {len(words) for name, words in talk.values.items() if name in names}
    return {place: row for place, row in drawn.items() if place[0] == ROW and place[1] in lengths}


def _drawn(match: re.Match[str], rng: random.Random) -> str:
    if match["low"] is not None:
        low, high = int(match["low"]), int(match["high"])
        if low > high:
            return str(match[0])
        digits, number = match["low"].removeprefix("-"), rng.randint(low, high)
        width = len(digits) if digits.startswith("0") else 0
        return f"{'-' if number < 0 else ''}{abs(number):0{width}d}"
    return str(rng.choice(match["choices"].split("|")))


def page_of(answer: Seen) -> str:
    """Return the page that an answer leads to, without the place in it (#)."""
    return ORIGIN.sub("", answer.location or "").partition("#")[0]


def unique(requests: Sequence[RequestSpec]) -> tuple[RequestSpec, ...]:
    """Return the requests without those that ask the same again."""
    by_line: dict[str, RequestSpec] = {}
    for request in requests:
        by_line.setdefault(line_of(request), request)
    return tuple(by_line.values())


def line_of(request: RequestSpec) -> str:
    """Return what a request asks for: two with the same line ask the same."""
    sent = [] if request.json is None and request.body is None else [request.json, request.body]
    return f"{request.method} {request.path} {dict(request.query)} {sent}"
