"""Requests to the generator, and the raw records of a trial. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from loadtests.model.failures import AnswerExample
from loadtests.model.plan import TrialSpec
from loadtests.model.stack import DeploymentSeen, HostReading, NodesSeen, Reading
from loadtests.model.tested.shared import SharedUse


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load of one trial.

    ``users`` is for the closed mode. The fields from ``rate_rps`` (requests per second) on are for
    the open mode. ``shift_s`` delays the arrivals against another load with the same seed.

    ``fewest_users`` is how many users there are with the fewest servers; None if it is not known.

    ``requests``, ``start``, ``values`` and ``locustfile`` are a user's own load, as the values of
    JSON that the protocol describes; with them, ``path`` and ``scenario`` are not used. ``headers``
    go with each of its requests. ``first_row`` is the row of its lists that its first user keeps.
    With ``replay``, each of its requests is sent to ``base_url`` as
    ``path``, and is answered to the user's code by what the check trial recorded.

    With ``reconnect``, the connections that were kept from earlier loads are closed first, and with
    ``fresh_users``, users who live on from them are ended.

    ``starts_at_s`` is when it starts, by the system's clock; None is at once.
    """

    id: str
    base_url: str
    path: str
    settle_s: float
    window_s: float
    drain_limit_s: float
    mode: Literal["closed", "open"] = "closed"
    users: int | None = None
    fewest_users: int | None = None
    rate_rps: float | None = None
    arrivals: Literal["poisson", "constant"] | None = None
    max_in_flight: int | None = None
    seed: int | None = None
    shift_s: float | None = None
    timeout_s: float = 30.0
    scenario: str | None = None
    requests: Sequence[Mapping[str, Any]] | None = None
    start: Sequence[Mapping[str, Any]] | None = None
    values: Mapping[str, Sequence[str]] | None = None
    first_row: int | None = None
    fresh_users: bool | None = None
    locustfile: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    replay: bool | None = None
    reconnect: bool | None = None
    starts_at_s: float | None = None

    @property
    def is_users(self) -> bool:
        """Whether it is a load of the user's own."""
        return self.requests is not None or self.locustfile is not None


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request of a fetch."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of one address to a fetch; ``status`` is None where ``error`` is set.

    ``cookies`` is the ``Cookie`` header that a client would send next.
    """

    url: str
    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: str = ""
    body: str = ""
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The generator's report of a whole trial; the protocol explains each field.

    ``examples`` has a few answers of each name, of each kind; their replicas are addresses.
    """

    id: str
    started_at_s: float
    opened_at_s: float
    closed_at_s: float
    drained_at_s: float
    sent: int
    answered: int
    undrained: int
    dropped: int
    outcomes: list[str]
    replicas: list[str]
    names: list[str]
    cpu_s: float
    lag_p99_ms: float
    lag_max_ms: float
    workers: int = 1
    lost_workers: int = 0
    redirects: Mapping[str, int] = field(default_factory=dict)
    """Redirects that were followed, by the address of the replica; "" where none was named."""
    start_requests: int = 0
    start_failed: int = 0
    """Requests that users sent before their first task, in this trial; those that failed."""
    held_s: float = 0.0
    """For how long the limit of requests a second held users back in the window, all together."""
    user_errors: int = 0
    user_errors_in_window: int = 0
    user_error: str | None = None
    clock_offset_ms: float | None = None
    clock_error_ms: float | None = None
    late_ms: float | None = None
    """Of several machines: the largest offset of a clock, which is corrected; how far off the
    correction may be; and how late a machine noticed an edge of the window."""
    examples: list[AnswerExample] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LoadDone:
    """A trial that the generator finished: its report, and its samples as an ``.npz``."""

    finished: Finished
    samples: bytes


@dataclass(frozen=True, kw_only=True)
class Edge:
    """All counters at one edge of a window."""

    members: tuple[Reading, ...]
    host: HostReading | None
    harness_cpu_s: float
    pulse: Mapping[int, tuple[float, float, float]] | None = None
    """The speed probe's counters for each core: pieces of work, and CPU-seconds of their hashing
    and of their reading of memory."""
    shared: SharedUse | None = None
    """What replicas share, as it was used at this moment; None where nobody can look."""
    nodes: NodesSeen | None = None
    """The nodes' own counters and their network's; None where there are none."""
    deployment: DeploymentSeen | None = None
    """What hooks told of the deployment; None where no hooks scale it."""


@dataclass(frozen=True, kw_only=True)
class RawTrial:
    """The raw records of one trial.

    ``addresses`` maps ``ip:port`` to the name of each of its replicas. ``proxy_requests`` and
    ``replica_requests`` are the counts of nginx and of these replicas over the whole trial.
    """

    spec: TrialSpec
    users: int
    finished: Finished
    samples: bytes
    opened: Edge
    closed: Edge
    proxy_requests: int | None
    replica_requests: int | None
    addresses: Mapping[str, str]
    identities: Mapping[str, str]
    wall_s: float
