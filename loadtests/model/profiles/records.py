"""What was seen of requests while they ran: stacks, what they waited for, the store's sessions.

PURE. A *look* is one sight of all threads of one process. Looks are the unit of every interval:
threads of one look are not independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.plan import Cell


class Waiting(StrEnum):
    """What a thread does at one moment."""

    CPU = "cpu"
    """It runs, or waits for its turn on a core."""
    GIL = "gil"
    """It waits for the interpreter's lock."""
    LOCK = "lock"
    """It waits for another lock of its process: a ``threading.Lock``, a queue, a pool."""
    STORE = "store"
    """It waits for an answer of a data store."""
    DNS = "dns"
    """It waits for the address of a name."""
    SOCKET = "socket"
    """It waits for another peer."""
    FILE_LOCK = "file_lock"
    """It waits for a lock on a file."""
    FILE = "file"
    """It waits for a disk."""
    SLEEP = "sleep"
    CHILD = "child"
    """It waits for a program that it started."""
    PIPE = "pipe"
    UNKNOWN = "unknown"
    """It waits, and the kernel does not say for what."""


LOCAL_SOCKET = "a local socket"
"""The peer of a Unix socket: the kernel's table has no more of it."""


@dataclass(frozen=True, kw_only=True)
class KernelWait:
    """What the kernel says of a thread; ``peer`` is the address of a socket, or a path."""

    kind: Waiting
    peer: str = ""


@dataclass(frozen=True, kw_only=True, order=True)
class Frame:
    """One frame of a Python stack."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}" if self.line else f"{self.file} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The stack of a thread, outermost frame first, and what the thread did."""

    frames: tuple[Frame, ...]
    kind: Waiting
    peer: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One sight of one process: its replica, its moment, and its threads by number of a stack.

    ``at_s`` counts from the first look. ``stacks`` are places in :attr:`CellProfile.stacks`.
    """

    member: str
    at_s: float
    stacks: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StoreSession:
    """A session of the store in one of its looks: what it did, or waited for, and its statement.

    ``wait_type`` and ``wait_event`` are PostgreSQL's words, also for what MySQL says. Both are
    empty for a session that runs.
    """

    wait_type: str
    wait_event: str
    statement: str
    count: int


Totals = Mapping[tuple[int, int, int], tuple[int, float, str]]
"""By user, database and statement: calls, ms and text, since the server began to count."""


@dataclass(frozen=True, kw_only=True)
class StatementTime:
    """What the store itself counted for a statement: its calls and their time, waits included.

    ``share_ratio`` is its share of the time of all statements that the store counted meanwhile.
    """

    statement: str
    calls: int
    ms: float
    share_ratio: float


@dataclass(frozen=True, kw_only=True)
class StoreProfile:
    """What the store's sessions did: how often each was seen, over ``looks`` looks.

    ``statements`` is what took most of its time, from ``pg_stat_statements``; empty where the
    server does not have that, or this user may not read it.
    """

    address: str
    looks: int
    sessions: tuple[StoreSession, ...]
    statements: tuple[StatementTime, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CellProfile:
    """The profile trial of one cell.

    ``processes`` is how many processes of the cell can serve requests; each look saw one of them.
    ``mean_ms`` is the mean response time. ``looking_cpus`` is what looking cost, in CPU-seconds per
    second, beside the replicas. ``failures`` count looks that gave nothing, by reason. ``unseen``
    says why nothing can be told, in a sentence with the way out; empty where something can.
    """

    cell: Cell
    server: str
    throughput_rps: float
    mean_ms: float | None
    window_s: float
    processes: int
    stacks: tuple[Stack, ...] = ()
    looks: tuple[Look, ...] = ()
    looking_cpus: float | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    unseen: str = ""
    store: StoreProfile | None = None
    note: str = ""
    """What cannot be seen of this worker model, in a sentence."""
    store_note: str = ""
    """Why nothing, or not all, is told of the stores, in sentences."""
    has_slots: bool = True
    """Whether the server serves a limited number of requests at once; else none wait before it."""
    cpu_ms: float | None = None
    """CPU of a request by the counters, where the replicas' budget was not full; else None."""
    ended_rps: float | None = None
    """Requests that ended a second, those that failed too; None in older profiles."""
    application: str = ""
    """The package of the import string that is served; "" where that is not known."""

    @property
    def rate_rps(self) -> float:
        """The rate of the requests that looks see: they see those that fail, too."""
        return self.ended_rps or self.throughput_rps
