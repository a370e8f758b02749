"""What the harness asks for, read from a line of JSON."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

Order = TypeVar("Order")

MODES = ("closed", "open")
ARRIVALS = ("poisson", "constant")


class BadOrder(ValueError):
    """A line that cannot be followed: the message names the field and its value."""


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Ask some URLs once each, all at the same time."""

    id: str = ""
    urls: list[str]
    timeout_s: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which part of a trial's load one process makes: part ``number`` (from 0) of ``of``."""

    number: int = 0
    of: int = 1

    def users(self, users: int) -> int:
        """Return how many of ``users`` are its own; the first ones take what is left over."""
        return users // self.of + (self.number < users % self.of)


ALL = Share()


@dataclass(frozen=True, kw_only=True)
class TrialOrder:
    """One trial; the fields are those of the protocol."""

    id: str
    base_url: str
    path: str = "/"
    scenario: str | None = None
    mode: str = "closed"
    users: int = 0
    rate_rps: float = 0.0
    arrivals: str = "poisson"
    max_in_flight: int = 1_000
    seed: int = 0
    settle_s: float
    window_s: float
    drain_limit_s: float = 15.0
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Check what the fields' kinds do not say; raises ``BadOrder``."""
        demand(self.mode in MODES, "mode", self.mode, f"one of {', '.join(MODES)}")
        demand(self.arrivals in ARRIVALS, "arrivals", self.arrivals, "poisson or constant")
        demand(self.mode == "open" or self.users >= 1, "users", self.users, "at least 1")
        demand(self.mode == "closed" or self.rate_rps > 0, "rate_rps", self.rate_rps, "above 0")
        demand(self.max_in_flight >= 1, "max_in_flight", self.max_in_flight, "at least 1")
        demand(self.settle_s >= 0, "settle_s", self.settle_s, "at least 0")
        for name in ("window_s", "drain_limit_s", "timeout_s"):
            demand(getattr(self, name) > 0, name, getattr(self, name), "above 0")


def demand(holds: bool, name: str, value: object, wanted: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise ``BadOrder`` unless ``holds``."""
    if not holds:
        raise BadOrder(f"{name} is {value!r}; it must be {wanted}.")


def read_fetch(line: dict[str, Any]) -> Fetch:
    """Return the fetch that ``line`` asks for; raises ``BadOrder``."""
    order = read(Fetch, line)
    if not all(isinstance(url, str) for url in order.urls):
        raise BadOrder(f"urls is {order.urls!r}; it must be a list of strings.")
    return order


def read_trial(line: dict[str, Any]) -> TrialOrder:
    """Return the trial that ``line`` asks for; raises ``BadOrder``."""
    return read(TrialOrder, line)


def read(kind: type[Order], line: dict[str, Any]) -> Order:
    """Return ``line`` as a ``kind``; null is as good as absent, unknown fields are left alone."""
    values: dict[str, Any] = {}
    for known in fields(kind):  # type: ignore[arg-type]  # both kinds are dataclasses
        if line.get(known.name) is not None:
            values[known.name] = of_kind(known.name, line[known.name], str(known.type))
        elif known.default is MISSING:
            raise BadOrder(f"{known.name} is missing.")
    return kind(**values)


def of_kind(name: str, value: Any, kind: str) -> Any:
    """Return ``value`` if it is of the annotated ``kind``; raises ``BadOrder``."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "str": isinstance(value, str),
        "str | None": isinstance(value, str),
        "int": number and float(value).is_integer(),
        "float": number and math.isfinite(value),
        "list[str]": isinstance(value, list),
    }[kind]
    if not fits:
        raise BadOrder(f"{name} is {value!r}; it must be of the kind {kind}.")
    return int(value) if kind == "int" else value
