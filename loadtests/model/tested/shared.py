"""One look at what all replicas share: the store's sessions, and files that are locked. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StoreSessions:
    """The sessions of one store's server at one moment.

    ``connections`` counts all clients, ``active`` those inside of a statement or a transaction, and
    ``waiting`` those that wait for a lock. ``by_replica`` has the connections of each replica where
    they can be told apart, and ``elsewhere`` counts those from another address, such as a pooler's.
    ``most`` is the server's ``max_connections``, of which it has ``reserved`` for others than its
    clients. ``lock`` is the kind of lock that most wait for,
    and ``statement`` the beginning of the commonest statement that waits. ``refused`` and
    ``deadlocks`` are counts since the server's start; None where it does not count.
    ``has_locks`` is false for a store whose sessions wait for no lock that can be seen.
    """

    member: str
    connections: int
    active: int
    waiting: int
    by_replica: Mapping[str, int] = field(default_factory=dict)
    most: int | None = None
    lock: str | None = None
    statement: str = ""
    program: str = "PostgreSQL"
    refused: int | None = None
    deadlocks: int | None = None
    has_locks: bool = True
    elsewhere: int = 0
    reserved: int = 0


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """A file that one process of a replica has locked for writing at one moment.

    ``identity`` tells files of one path apart, such as those of two containers. ``waiting``
    counts the processes that the kernel lets wait for it. Programs that ask again and again, as
    SQLite does, are not among these.
    """

    path: str
    identity: str
    holder: str
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class SharedUse:
    """One look at what replicas share, at an edge of a window."""

    sessions: tuple[StoreSessions, ...] = ()
    locked_files: tuple[LockedFile, ...] = ()
