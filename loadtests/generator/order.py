"""The harness's orders, parsed from lines of JSON and checked."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, TypeVar

Order = TypeVar("Order")

MODES = ("closed", "open")
ARRIVALS = ("poisson", "constant")

MOST_PROCESSES = 64
"""Processes of one machine."""


class BadOrder(ValueError):
    """An invalid order; the message names the field and its value."""


@dataclass(frozen=True, kw_only=True)
class FetchRequest:
    """One request of a fetch."""

    url: str
    method: str = "GET"
    headers: dict[str, Any] | None = None
    body: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Order: send each request once, all at the same time; ``urls`` are GET requests."""

    id: str = ""
    urls: list[str] | None = None
    requests: list[FetchRequest] | None = None
    timeout_s: float = 5.0

    @property
    def all_requests(self) -> list[FetchRequest]:
        """All requests, in the order of their answers: first ``urls``, then ``requests``."""
        return [*(FetchRequest(url=url) for url in self.urls or ()), *(self.requests or ())]


@dataclass(frozen=True, kw_only=True)
class Share:
    """The part of a trial's load that one process generates: ``number`` (from 0) of ``of``."""

    number: int = 0
    of: int = 1

    def users(self, users: int) -> int:
        """Return how many of ``users`` this part has; the first parts take the remainder."""
        return users // self.of + (self.number < users % self.of)

    def part(self, number: int, of: int) -> Share:
        """Return part ``number`` (from 0) of ``of`` of this part."""
        return Share(number=self.number * of + number, of=self.of * of)


ALL = Share()


@dataclass(frozen=True, kw_only=True)
class UserLoad:
    """The user's own load in an order: a list of requests, or a locustfile.

    Its parts are checked by ``user_load.orders``.
    """

    requests: list[Any] | None = None
    start: list[Any] | None = None
    values: dict[str, Any] | None = None
    locustfile: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None
    seed: int = 0

    @property
    def is_given(self) -> bool:
        """Whether the order has a load of the user's own."""
        return self.requests is not None or self.locustfile is not None


@dataclass(frozen=True, kw_only=True)
class CheckOrder(UserLoad):
    """Order: the check trial of a user's own load."""

    id: str
    base_url: str
    timeout_s: float = 5.0
    limit_s: float = 8.0

    def __post_init__(self) -> None:
        """Check the fields' values; raises ``BadOrder``."""
        demand(self.is_given, "requests", None, "given, or locustfile")
        for name in ("timeout_s", "limit_s"):
            demand(getattr(self, name) > 0, name, getattr(self, name), "above 0")


@dataclass(frozen=True, kw_only=True)
class PlaceOrder:
    """Order: part ``part`` of ``parts`` of a packed folder; without ``data``, is it there?

    ``probe`` is the name of a file in the folder, and ``sha256`` the hash of what it holds.
    """

    id: str
    folder: str
    probe: str | None = None
    sha256: str | None = None
    part: int = 1
    parts: int = 1
    data: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrialOrder(UserLoad):
    """Order: one trial; the fields are those of the protocol."""

    id: str
    base_url: str
    path: str = "/"
    first_row: int = 0
    """The row of its lists that the first user of a request list keeps."""
    fresh_users: bool = False
    """Whether users who live on from earlier trials at this address are ended first."""
    replay: bool = False
    reconnect: bool = False
    """Whether the connections that were kept are closed first."""
    scenario: str | None = None
    mode: str = "closed"
    users: int = 0
    fewest_users: int = 0
    """How many users there are with the fewest servers; 0 is not known."""
    rate_rps: float = 0.0
    arrivals: str = "poisson"
    max_in_flight: int = 1_000
    shift_s: float = 0.0
    settle_s: float
    window_s: float
    drain_limit_s: float = 15.0
    timeout_s: float = 30.0
    starts_at_s: float = 0.0
    """When it starts, by this machine's clock; 0 is at once."""

    def __post_init__(self) -> None:
        """Check the fields' values; raises ``BadOrder``."""
        demand(self.mode in MODES, "mode", self.mode, f"one of {', '.join(MODES)}")
        demand(self.arrivals in ARRIVALS, "arrivals", self.arrivals, "poisson or constant")
        demand(self.mode == "open" or self.users >= 1, "users", self.users, "at least 1")
        demand(self.mode == "closed" or self.rate_rps > 0, "rate_rps", self.rate_rps, "above 0")
        demand(self.first_row >= 0, "first_row", self.first_row, "at least 0")
        demand(self.max_in_flight >= 1, "max_in_flight", self.max_in_flight, "at least 1")
        for name in ("settle_s", "shift_s"):
            demand(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("window_s", "drain_limit_s", "timeout_s"):
            demand(getattr(self, name) > 0, name, getattr(self, name), "above 0")


def demand(holds: bool, name: str, value: object, requirement: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise ``BadOrder`` unless ``holds``."""
    if not holds:
        raise BadOrder(f"{name} is {value!r}; it must be {requirement}.")


def read_fetch(line: dict[str, Any]) -> Fetch:
    """Return the fetch that ``line`` asks for; raises ``BadOrder``."""
    order = read(Fetch, line)
    if order.urls is None and order.requests is None:
        raise BadOrder("urls is missing.")
    if not all(isinstance(url, str) for url in order.urls or ()):
        raise BadOrder(f"urls is {order.urls!r}; it must be a list of strings.")
    return replace(
        order, requests=[read_fetch_request(request) for request in order.requests or ()]
    )


def read_fetch_request(entry: Any) -> FetchRequest:
    """Return one request of a fetch; raises ``BadOrder``."""
    if not isinstance(entry, dict):
        raise BadOrder(f"requests has {entry!r}; each must be an object.")
    request = read(FetchRequest, entry)
    demand(request.method.isalpha(), "method", request.method, "a word such as GET")
    pairs = [text for pair in (request.headers or {}).items() for text in pair]
    if not all(isinstance(text, str) and "\r" not in text and "\n" not in text for text in pairs):
        raise BadOrder(
            f"headers is {request.headers!r}; it must be names and values, each one line."
        )
    return request


def read_trial(line: dict[str, Any]) -> TrialOrder:
    """Return the trial that ``line`` asks for; raises ``BadOrder``."""
    return read(TrialOrder, line)


def read_check(line: dict[str, Any]) -> CheckOrder:
    """Return the check trial that ``line`` asks for; raises ``BadOrder``."""
    return read(CheckOrder, line)


def read_place(line: dict[str, Any]) -> PlaceOrder:
    """Return the part of a folder that ``line`` has; raises ``BadOrder``."""
    return read(PlaceOrder, line)


def read(kind: type[Order], line: dict[str, Any]) -> Order:
    """Convert ``line`` to a ``kind``; null means absent, and unknown fields are ignored.

    Raises ``BadOrder``.
    """
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # both kinds are dataclasses
        if line.get(field.name) is not None:
            values[field.name] = of_kind(field.name, line[field.name], str(field.type))
        elif field.default is MISSING:
            raise BadOrder(f"{field.name} is missing.")
    return kind(**values)


def of_kind(name: str, value: Any, kind: str) -> Any:
    """Return ``value`` if it has the type ``kind``; raises ``BadOrder``."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "str": isinstance(value, str),
        "str | None": isinstance(value, str),
        "int": number and float(value).is_integer(),
        "float": number and math.isfinite(value),
        "list[str] | None": isinstance(value, list),
        "list[FetchRequest] | None": isinstance(value, list),
        "list[Any] | None": isinstance(value, list),
        "bool": isinstance(value, bool),
        "dict[str, Any] | None": isinstance(value, dict),
    }[kind]
    if not fits:
        raise BadOrder(f"{name} is {value!r}; it must be of the kind {kind}.")
    return int(value) if kind == "int" else value
