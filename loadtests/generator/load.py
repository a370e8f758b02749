"""The state that all users of one trial share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from loadtests.generator.http.pool import Pool
from loadtests.generator.recorder import Recorder

DEFAULT_TIMEOUT_S = 60.0
"""Default time limit for an answer, as in Locust's ``FastHttpUser``."""


class Gate(Protocol):
    """Decides when a user may send its next request."""

    def admit(self) -> float:
        """Return the moment at which the request was due; raises ``StopUser`` at the end."""
        ...


class AlwaysOpen:
    """The gate of a locustfile under plain Locust: users may always send."""

    def admit(self) -> float:
        """Return the present moment."""
        return monotonic()


@dataclass(frozen=True, kw_only=True)
class Load:
    """Pool, gate and recorder of one trial; the defaults suit a locustfile under plain Locust.

    ``spread_s`` is the time over which users start. Without a ``recorder``, only Locust's
    statistics are kept.
    """

    pool: Pool = field(default_factory=Pool)
    gate: Gate = field(default_factory=AlwaysOpen)
    recorder: Recorder | None = None
    path: str = "/"
    timeout_s: float = DEFAULT_TIMEOUT_S
    spread_s: float = 0.0
