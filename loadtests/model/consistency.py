"""Records of the consistency checks: do all replicas give the same answers? PURE.

Declared checks (:class:`Check`) are the user's, or those of the sample application. The others need
no declaration: they ask the requests of the load (:class:`ProbeKind`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.tested.variables import Body, Headers, UrlPath
from loadtests.model.tested.workload import Expected

PLACE = "{token}"
"""Placeholder in a step for a word that is unique to each check."""


class ProbeState(StrEnum):
    """Whether all replicas gave the same answers; what could not be checked is never ok."""

    OK = "ok"
    BREAKS = "breaks"
    UNCHECKED = "unchecked"
    NOTE = "note"
    """They differ in a way that may be harmless."""


class ProbeKind(StrEnum):
    """What a check asks."""

    DECLARED = "declared"
    """Whether the user's own check holds."""
    ANSWER = "answer"
    """Whether all replicas answer a request of one client alike."""
    WRITTEN = "written"
    """Whether what a request wrote through one replica is read through the others."""
    LIMIT = "limit"
    """Whether a rate limit counts for all replicas together."""
    FILES = "files"
    """Whether replicas write files of their own."""
    START = "start"
    """Whether what was written is still there after a further replica has started."""
    SESSION = "session"
    """Whether a session outlives another login of the same account, at one replica."""


class CheckKind(StrEnum):
    """How a right answer is recognised."""

    VALUE = "value"
    """It contains the token."""
    COUNT = "count"
    """Its first whole number is the number before the writes plus the number of writes."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request of a check; every part may contain ``{token}``.

    ``expect`` is what makes its answer right; without it, the check's ``kind`` says so.
    """

    method: str
    path: UrlPath
    body: Body = ""
    headers: Headers = field(default_factory=dict)
    expect: Expected | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A write to one replica that all replicas must then return.

    The proxy sends ``write`` to any replica; for a count it is repeated over all of them. ``read``
    then goes to all replicas, with the cookies of the write's answer. ``times`` is how often the
    check is made.
    """

    name: str
    kind: CheckKind
    write: Step
    read: Step
    times: int = 1


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
"""The checks of the sample application."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One answer; ``replica`` is None where the answer does not name its replica.

    ``location`` is where it redirects to. ``limit_left`` is how many more requests a rate limit
    allows, by the answer's own header.
    """

    replica: str | None
    status: int | None
    body: str = ""
    error: str | None = None
    location: str | None = None
    limit_left: int | None = None

    def __str__(self) -> str:
        return str(self.status) if self.status is not None else f"nothing ({self.error})"


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """The answers to one check of one worker model.

    ``before`` is a counter's answer before the writes. ``token`` is the word in the requests.
    ``cookies`` are those that the first write set; the reads were sent with them.
    """

    worker: str
    replicas: tuple[str, ...]
    check: Check
    token: str
    before: Seen | None = None
    writes: tuple[Seen, ...] = ()
    cookies: str = ""
    reads: tuple[Seen, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """The result of one check of one worker model.

    ``write`` and ``read`` are the requests (method and path). ``written_by`` is the replica that
    accepted the write, where there was a single one. ``right`` and ``wrong`` count the answers of
    each replica. ``one_server`` is true where one replica's own processes do not agree.
    ``workload`` is None where the check is of no workload's requests. ``answers`` are the
    beginnings of two answers that differ, side by side. ``remedy`` says what to do.
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
    kind: ProbeKind = ProbeKind.DECLARED
    workload: str | None = None
    answers: tuple[Seen, ...] = ()
    remedy: str = ""
