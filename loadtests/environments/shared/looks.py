"""Looks at what replicas share: the sessions of stores, and files that are locked.

Files and PostgreSQL are read from outside, by the kernel's list of locks and the titles of the
server's processes. One connection is opened for it, once: a store may have few.
Other stores are asked (``stores.STORES``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from loadtests.environments.shared.asked_stores import REASON_CHARS, AskedStores, AskStore
from loadtests.environments.shared.stores import program_of
from loadtests.model.errors import ProcessFailure
from loadtests.model.tested.shared import LockedFile, SharedUse, StoreSessions
from loadtests.tools import postgres, procfs
from loadtests.tools.stores.clients import by_replica

MOST_QUESTIONS = 6
"""How often a server is asked in a run what its sessions wait for, and, until it answers, what it
allows. Each takes some 50 ms of CPU, so that is done while users are calibrated; later looks repeat
what was answered."""

Ask = Callable[[str, str], str]
"""Asks a store's server one query, and returns what it printed.

Raises :class:`ProcessFailure` with the reason where it cannot be asked.
"""


class SharedLooks:
    """The looks of one stack. ``ask`` asks a PostgreSQL server from inside of its container.

    ``ask_store`` asks the other stores.
    """

    def __init__(self, ask: Ask | None = None, ask_store: AskStore | None = None) -> None:
        self._ask = ask
        self._asked = None if ask_store is None else AskedStores(ask_store)
        self._limits: dict[str, tuple[int | None, int]] = {}
        self._failures: dict[str, str] = {}
        self._tries: Counter[str] = Counter()
        self._questions = 0
        self._locks: dict[str, tuple[str, str]] = {}

    def look(
        self,
        *,
        stores: Mapping[str, Sequence[str]],
        addresses: Mapping[str, str],
        replicas: Mapping[str, Iterable[int]],
    ) -> SharedUse:
        """Return what is shared at this moment.

        ``stores`` has the command lines of each store's processes, ``addresses`` the name of the
        replica at each IP address, and ``replicas`` the process ids of each replica.
        """
        looks = (self._look_at(member, list(them), addresses) for member, them in stores.items())
        sessions = tuple(seen for seen in looks if seen is not None)
        return SharedUse(sessions=sessions, locked_files=locked_files(replicas))

    def notes(self) -> tuple[str, ...]:
        """Return what asking the stores showed by now, in sentences."""
        unchecked = (
            f"Not checked: how many connections {member} (PostgreSQL) accepts, and the kind of its"
            f" locks: {reason.rstrip('.')}."
            for member, reason in self._failures.items()
            if member not in self._limits and self._tries[member] >= MOST_QUESTIONS
        )
        return (*unchecked, *(self._asked.notes() if self._asked is not None else ()))

    def _look_at(
        self, member: str, commands: Sequence[str], addresses: Mapping[str, str]
    ) -> StoreSessions | None:
        if postgres.is_server(commands):
            return self._sessions(member, commands, addresses)
        program = program_of(commands) if self._asked is not None else None
        if self._asked is None or program is None:
            return None
        return self._asked.look(member, program, addresses)

    def _sessions(
        self, member: str, commands: Sequence[str], addresses: Mapping[str, str]
    ) -> StoreSessions:
        clients, said = postgres.parse_titles(commands)
        asked, reserved = self._limits_of(member) if clients else (None, 0)
        named, elsewhere = by_replica([client.address for client in clients], addresses)
        seen = StoreSessions(
            member=member,
            connections=len(clients),
            active=sum(client.is_active for client in clients),
            waiting=sum(client.is_waiting for client in clients),
            by_replica=named,
            elsewhere=elsewhere,
            most=said if said is not None else asked,
            reserved=reserved,
        )
        return self._with_lock(seen) if seen.waiting else seen

    def _limits_of(self, member: str) -> tuple[int | None, int]:
        """Return a server's connections, and those that it keeps; it is asked until it answers."""
        if member in self._limits:
            return self._limits[member]
        answer = ""
        if self._ask is not None and self._tries[member] < MOST_QUESTIONS:
            self._tries[member] += 1
            try:
                answer = self._ask(member, postgres.MOST_QUERY)
            except ProcessFailure as failure:
                self._failures[member] = str(failure).strip()[:REASON_CHARS]
        limits = postgres.parse_most(answer)
        if answer.strip():
            self._limits[member] = limits
        return limits

    def _with_lock(self, seen: StoreSessions) -> StoreSessions:
        if self._ask is not None and self._questions < MOST_QUESTIONS:
            self._questions += 1
            with suppress(ProcessFailure):
                told = postgres.parse_lock(self._ask(seen.member, postgres.LOCKS_QUERY))
                if told is not None:
                    self._locks[seen.member] = told
        lock, statement = self._locks.get(seen.member, (None, ""))
        return replace(seen, lock=lock, statement=statement)


def locked_files(replicas: Mapping[str, Iterable[int]]) -> tuple[LockedFile, ...]:
    """Return the files that processes of these replicas hold locked for writing."""
    owner = {pid: member for member, pids in replicas.items() for pid in pids}
    found: dict[str, LockedFile] = {}
    for lock in procfs.file_locks():
        if lock.pid not in owner:
            continue
        known = found.get(lock.identity)
        found[lock.identity] = LockedFile(
            path=procfs.path_of(lock.pid, lock.inode) or f"a file (inode {lock.inode})",
            identity=lock.identity,
            holder=owner[lock.pid],
            waiting=max(lock.waiting, known.waiting if known else 0),
        )
    return tuple(found.values())
