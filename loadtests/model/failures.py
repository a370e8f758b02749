"""Records of failed requests: how many, where, and how that changes with the replicas. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class RequestOutcomes:
    """How the requests of one name ended in one window.

    ``statuses`` counts the successful ones by status, ``kinds`` the failed ones by kind (``status
    500``, ``timeout``), and ``failed_by`` those by the replica that answered. The percentiles and
    ``body_bytes``, the bytes of all bodies together, are of the successful ones. They are None in
    older journals, and where none was successful.

    ``slowest_ms`` is the longest time from sending to the answer of a successful one. ``late_ms``
    has the shortest of the failed ones, by kind. It has the kinds only that a limit of time may
    explain: answers with a good status that the load rejected, and those it waited for less long
    than the generator does.
    """

    name: str
    completed: int
    failed: int
    statuses: Mapping[int, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    failed_by: Mapping[str, int] = field(default_factory=dict)
    p50_ms: float | None = None
    p99_ms: float | None = None
    body_bytes: int | None = None
    slowest_ms: float | None = None
    late_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AnswerCount:
    """How the requests of one name ended in one window of a gate.

    ``good`` counts the successful ones by the first digit of their status (``2xx``; 304
    by itself), and ``body_bytes`` are the bytes of their bodies together; None where they are not
    known.
    """

    name: str
    good: Mapping[str, int]
    failed: int
    body_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerExample:
    """One answer to a request of a load, as an example of its kind.

    ``outcome`` is the generator's name for how it ended (``ok``, ``status``, ``rejected``).
    ``body_start`` is the beginning of its body, and ``location`` where it redirects to.
    ``log_line`` is the line of the replica's log that seems to explain it.
    """

    name: str
    outcome: str
    status: int | None = None
    replica: str | None = None
    body_start: str = ""
    location: str | None = None
    log_line: str | None = None


class FailureShape(StrEnum):
    """How the share of failed requests changes with the number of replicas."""

    NONE = "none"
    """So few fail that they change nothing."""
    MORE_SERVERS = "more_servers"
    """None fails with few replicas, and some do with more: the application breaks."""
    ALIKE = "alike"
    """The share is about the same with any number of replicas."""
    FALLING = "falling"
    """Fewer fail with more replicas: one replica has too little of something."""
    RISING = "rising"
    """Some fail with the fewest replicas, and more with more."""
    LIMITED = "limited"
    """The application limits the rate (429)."""
    TOO_SLOW = "too_slow"
    """The load itself has a limit of time, which most of them exceed."""
    SHARED_ACCOUNTS = "shared_accounts"
    """Users share accounts, and a second login ends the first session, also at one server."""


@dataclass(frozen=True, kw_only=True)
class FailureCount:
    """The failed requests of all windows with one number of replicas."""

    replicas: int
    failed: int
    total: int
    windows: int
    failed_windows: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    failed_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The share of the requests that failed; 0 where there were none."""
        return self.failed / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class FailureResult:
    """How one request of a worker model and workload failed over the numbers of replicas.

    ``name`` is None for all requests together. ``breaks_at`` are the numbers of replicas at which
    it fails although it did not with fewer. ``chance`` is the p-value of that. ``right`` and
    ``wrong`` are examples of both answers. ``visible_ratio`` has for each number of replicas the
    smallest share of failures that this run would have found in 99 of 100 cases. A number that is
    missing is not known. ``limit_ms`` is the load's own limit of time, as far as it is seen: the
    shortest time of what failed by it. It is None where nothing did.
    """

    worker: str
    workload: str
    name: str | None
    shape: FailureShape
    counts: tuple[FailureCount, ...]
    breaks_at: tuple[int, ...] = ()
    chance: float | None = None
    right: AnswerExample | None = None
    wrong: AnswerExample | None = None
    visible_ratio: Mapping[int, float] = field(default_factory=dict)
    limit_ms: float | None = None
    detail: str
    cause: str = ""
    remedy: str = ""
