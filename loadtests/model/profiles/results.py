"""What profiles say: the time of requests by line, and what grew with the replicas. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.model.plan import Cell
from loadtests.model.profiles.records import StoreProfile, Waiting


@dataclass(frozen=True, kw_only=True)
class Span:
    """Milliseconds, or a share, with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class LineTime:
    """The time that a request spends in one line of the application, in milliseconds.

    ``line`` is 0 where the file is no Python source, such as a template. ``callee`` is the first
    function of another package that it called there; "" for none.
    ``kinds`` are the milliseconds by what the thread did, and ``kind`` is the largest of them.
    ``peer`` is the address or the path that it mostly waited for. ``share_ratio`` is its share of
    the request's time in the application.
    """

    file: str
    line: int
    name: str
    callee: str
    ms: Span
    share_ratio: float
    kind: Waiting
    kinds: Mapping[Waiting, float]
    peer: str = ""

    @property
    def place(self) -> tuple[str, int, str]:
        """What makes two lines the same one."""
        return self.file, self.line, self.name

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}" if self.line else f"{self.file} {self.name}"


@dataclass(frozen=True, kw_only=True)
class ProfileResult:
    """Where the requests of one cell spend their time.

    ``application_ms`` is the mean time inside the application, and ``mean_ms`` the mean response
    time; the difference is spent in queues, in the server and in the proxy. ``lines`` are the
    largest first. ``looking_cpus`` is what looking cost: CPU-seconds per second, beside the
    replicas. ``slowdown_ratio`` is the throughput in the measured rounds over that while looking,
    less 1. ``unseen`` says why there is nothing; ``note`` what cannot be seen,
    and ``store_note`` what cannot be told of the stores.
    """

    cell: Cell
    looks: int
    throughput_rps: float
    mean_ms: float | None
    application_ms: Span | None = None
    lines: tuple[LineTime, ...] = ()
    kinds: Mapping[Waiting, Span] = field(default_factory=dict)
    looking_cpus: float | None = None
    slowdown_ratio: float | None = None
    unseen: str = ""
    note: str = ""
    store: StoreProfile | None = None
    store_note: str = ""


@dataclass(frozen=True, kw_only=True)
class ProfileFinding:
    """The line that tells most of a series: where a request's time grew most, or is spent.

    ``before_ms`` is the line's time with ``replicas_from``, None where that was not looked at.
    ``growth_ms`` is the difference per request, None likewise. ``certain`` means that no other
    line can be the largest, within 95 % intervals, and that the kernel says what it waited for.
    Where the time grew, the ``kind`` of ``line`` is the one that grew most.
    ``sentence`` says it all; ``store`` is the store's side of it, in a sentence or empty.
    """

    worker: str
    workload: str
    replicas_from: int | None
    replicas_to: int
    line: LineTime
    application_ms: float
    before_ms: float | None
    before_application_ms: float | None
    growth_ms: Span | None
    certain: bool
    sentence: str
    store: str = ""


@dataclass(frozen=True, kw_only=True)
class FlameNode:
    """A box of a flame graph: a function, its weight in ms per request, and what it called.

    ``change_ms`` is its growth against the smaller count; None where there is nothing to compare.
    """

    label: str
    ms: float
    children: tuple[FlameNode, ...] = ()
    change_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """All that profiles say of a run."""

    cells: tuple[ProfileResult, ...] = ()
    findings: tuple[ProfileFinding, ...] = ()
    flames: tuple[tuple[Cell, FlameNode], ...] = ()
    """The flame graph of the largest cell of each series, coloured by its growth."""
