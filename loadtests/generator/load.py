"""What the users of one trial share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from loadtests.generator.http.pool import Pool
from loadtests.generator.recorder import Recorder

DEFAULT_TIMEOUT_S = 60.0
"""For an answer, where nobody says otherwise; as Locust's ``FastHttpUser`` has it."""


class Gate(Protocol):
    """Decides when a user may send its next request."""

    def admit(self) -> float:
        """Return the moment at which the request was due; raises ``StopUser`` at the end."""
        ...


class OpenDoor:
    """The gate of a scenario that runs under plain Locust: everybody may always send."""

    def admit(self) -> float:
        """Return the present moment."""
        return monotonic()


@dataclass(frozen=True, kw_only=True)
class Load:
    """Pool, gate and record of one trial; the defaults are for a scenario under plain Locust.

    ``spread_s`` is the time over which users start. Without a ``recorder`` nothing is kept but
    Locust's statistics.
    """

    pool: Pool = field(default_factory=Pool)
    gate: Gate = field(default_factory=OpenDoor)
    recorder: Recorder | None = None
    path: str = "/"
    timeout_s: float = DEFAULT_TIMEOUT_S
    spread_s: float = 0.0
