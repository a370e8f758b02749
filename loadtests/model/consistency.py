"""What replicas are asked to see whether they share their state, and what came of it. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PLACE = "{token}"
"""Stands in a step for a word that no other probe has used."""


class ProbeState(StrEnum):
    """Whether the servers answered as one. What could not be tried is never called ok."""

    OK = "ok"
    BREAKS = "breaks"
    UNCHECKED = "unchecked"


class CheckKind(StrEnum):
    """How an answer is held to be right."""

    VALUE = "value"
    """It holds the token."""
    COUNT = "count"
    """The first whole number in it is what it was before, and one for each write."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request of a check, as the application wants it; ``{token}`` may stand in all parts."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one server is told, and all have to know.

    ``write`` goes to whichever the proxy takes; for a count, to all of them many times. ``read``
    then goes to all, with the cookies of the write's answer.
    """

    name: str
    kind: CheckKind
    write: Step
    read: Step


SAMPLE_CHECKS = (
    Check(
        name="note",
        kind=CheckKind.VALUE,
        write=Step(method="PUT", path="/state/notes/{token}", body="{token}"),
        read=Step(method="GET", path="/state/notes/{token}"),
    ),
    Check(
        name="session",
        kind=CheckKind.VALUE,
        write=Step(method="POST", path="/state/login?user={token}"),
        read=Step(method="GET", path="/state/me"),
    ),
    Check(
        name="counter",
        kind=CheckKind.COUNT,
        write=Step(method="POST", path="/state/counter"),
        read=Step(method="GET", path="/state/counter"),
    ),
)
"""Those of the sample application."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One answer: of which replica (None: nobody said), and what it was."""

    replica: str | None
    status: int | None
    body: str = ""
    error: str | None = None

    def __str__(self) -> str:
        return str(self.status) if self.status is not None else f"nothing ({self.error})"


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """What one check of one worker model brought, before it is judged.

    ``before`` is what a counter said first. ``token`` is the word in the requests.
    """

    worker: str
    replicas: tuple[str, ...]
    check: Check
    token: str
    before: Seen | None = None
    writes: tuple[Seen, ...] = ()
    reads: tuple[Seen, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What one check says of one worker model.

    ``write`` and ``read`` are the requests (method and path); ``written_by`` the replica that took
    the write, where there was one alone; ``right`` and ``wrong`` count answers by replica.
    ``one_server`` says that one replica's own processes contradict one another.
    """

    worker: str
    check: str
    state: ProbeState
    write: str
    read: str
    written_by: str | None
    right: Mapping[str, int] = field(default_factory=dict)
    wrong: Mapping[str, int] = field(default_factory=dict)
    one_server: bool = False
    detail: str
