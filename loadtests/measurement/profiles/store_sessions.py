"""Looks at the store's sessions while a load is on: the store's side of what requests wait for.

A server is asked only if a replica is connected to it: a variable may name any, also one that
nobody loads here. That is seen while the load is on, when also an application has connections that
opens one for each request.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from loadtests.analysis.profiles import statements
from loadtests.measurement.profiles.looking import Seen
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import (
    LOCAL_SOCKET,
    StatementTime,
    StoreProfile,
    StoreSession,
    Waiting,
)
from loadtests.tools import procfs
from loadtests.tools.postgres import access as store_access
from loadtests.tools.postgres import activity
from loadtests.tools.postgres.access import Access
from loadtests.tools.procfs import connections

LOOKS_PER_S = 20.0
"""A look is four short queries of a millisecond together."""

PROOFS_PER_S = 4.0
"""How often the replicas' connections are looked at until one leads to the store."""

JOIN_LIMIT_S = 6.0

MOST_KINDS = 40
"""So many different sessions are kept."""

MOST_PROCESSES = 8
"""So many processes are looked at for a connection; they all run the same application."""

NOT_CONNECTED = (
    "A variable of the replicas names a PostgreSQL, and none of them was seen connected to it, so"
    " its sessions were not looked at."
)

NOT_SEEN = (
    "A variable of the replicas names a PostgreSQL behind a local socket. No connection to it could"
    " be seen from here, so its sessions were not looked at."
)

NOT_NAMED = "No variable of the replicas says how to ask it: set DATABASE_URL."

MOST_PARENTS = 3

OTHERS = {
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "redis": "Redis",
    "rediss": "Redis",
    "valkey": "Valkey",
    "mongodb": "MongoDB",
}
"""The schemes of other stores' URLs, and whose they are."""

MYSQLS = frozenset({"MySQL", "MariaDB"})
"""Names of one kind of store."""

OTHER_URL = re.compile(rf"({'|'.join(OTHERS)})(?:\+\w+)?://")


def variables_of(pids: Sequence[int], given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables of processes that all run the same application.

    A server that sets its title (setproctitle) writes it over its variables, and they are gone.
    Then ``given`` counts, which are those that it was started with, else the parent's.
    """
    pid = pids[0] if pids else 0
    variables = procfs.environment_of(pid) or given
    for _ in range(MOST_PARENTS):
        facts = procfs.facts_of(pid) if pid and not variables else None
        if facts is None:
            break
        pid = facts.parent
        variables = procfs.environment_of(pid)
    return variables


def addresses_seen(accesses: Sequence[Access], pids: Sequence[int]) -> tuple[str, ...]:
    """Return to whom processes are connected on the ports of accesses, as ``host:port``."""
    ports = {access.port for access in accesses if not access.is_local}
    return tuple(sorted(connections.peers_on(pids[:MOST_PROCESSES], ports))) if ports else ()


def peers_meant(accesses: Sequence[Access]) -> tuple[str, ...]:
    """Return what else stands for a store as the peer of a wait: ``:port``, or a local socket.

    An application that connects in each request has no connection before the load.
    """
    ports = sorted({f":{access.port}" for access in accesses if not access.is_local})
    is_local = any(access.is_local for access in accesses)
    return (*ports, LOCAL_SOCKET) if is_local else tuple(ports)


def proved(accesses: Sequence[Access], pids: Sequence[int]) -> Access | None:
    """Return the access to a server to which one of the processes is connected right now.

    Its host is the address of that connection. A name that only the replicas' network knows is the
    only one that they are connected to on its port. None where no access is proved so.
    """
    addresses = cache(connections.addresses_of)
    for pid in pids[:MOST_PROCESSES]:
        peers = connections.peers_of(pid)
        for access in accesses:
            if access.is_local:
                folder = connections.folder_from_here(pid, access.host)
                if folder and connections.is_connected_to_socket(pid, access.socket):
                    return replace(access, reached=folder)
                continue
            there = {host for host, port in peers if port == access.port}
            here = addresses(access.host, access.port) if there else frozenset()
            meant = there & here if here else there
            if len(there) > 1 and not here:
                continue
            for address in sorted(meant):
                if connections.is_same_from_here(pid, address):
                    return replace(access, host=address)
    return None


def told_of_store(variables: Mapping[str, str], store: StoreLooking | None, seen: Seen) -> str:
    """Return what cannot be told of the stores, and why; "" where nothing is missing."""
    told = store.failure if store else ""
    if not told and not (store and store.seen()) and (peers := _peers_waited_for(seen)):
        told = f"Requests waited for PostgreSQL at {', '.join(peers)}. {NOT_NAMED}"
    looked_at = store.program if store else "PostgreSQL"
    return " ".join(filter(None, (told, others_told(variables, looked_at))))


def _peers_waited_for(seen: Seen) -> list[str]:
    port = f":{store_access.DEFAULT_PORT}"
    waits = (stack for stack in seen.stacks if stack.kind is Waiting.STORE)
    return sorted({stack.peer for stack in waits if stack.peer.endswith(port)})


def others_told(variables: Mapping[str, str], looked_at: str = "PostgreSQL") -> str:
    """Return a sentence on other stores that variables name; "" for none."""
    matches = map(OTHER_URL.match, variables.values())
    found = {OTHERS[match[1]] for match in matches if match}
    if looked_at in MYSQLS:
        found -= MYSQLS
    if not found:
        return ""
    return f"Only {looked_at}'s sessions are looked at, not those of {', '.join(sorted(found))}."


class StoreLooking:
    """A thread that looks at the store's sessions, from ``start`` to ``stop``."""

    program = "PostgreSQL"

    def __init__(self, accesses: Sequence[Access], pids: Sequence[int]) -> None:
        self._accesses = accesses
        self._pids = pids
        self._address = ""
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._looks = 0
        self._times: tuple[StatementTime, ...] = ()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-looking", daemon=True)
        self.failure = ""
        """Why nothing is told of the store, in a sentence."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End with the look that is under way, if looks have begun."""
        if self._stopped.is_set() or self._thread.ident is None:
            return
        self._stopped.set()
        self._thread.join(JOIN_LIMIT_S)

    def seen(self) -> StoreProfile | None:
        """Return what was seen; None without any look."""
        if not self._looks:
            return None
        return StoreProfile(
            address=self._address,
            looks=self._looks,
            sessions=tuple(
                StoreSession(wait_type=kind, wait_event=event, statement=statement, count=count)
                for (kind, event, statement), count in self._counts.most_common(MOST_KINDS)
            ),
            statements=self._times,
        )

    def _run(self) -> None:
        access = self._proved()
        if access is None:
            self.failure = self._why_not_proved()
            return
        self._address = str(access)
        try:
            with activity.watched(access) as watched:
                before = watched.totals(with_text=False)
                while not self._stopped.is_set():
                    for kind, event, query in watched.sessions():
                        self._counts[kind, event, statements.shape_of(query)] += 1
                    self._looks += 1
                    self._stopped.wait(1 / LOOKS_PER_S)
                after = watched.totals(with_text=True) if before is not None else None
                self._times = statements.between(before or {}, after or {})
        except EnvironmentFailure as error:
            self.failure = str(error).splitlines()[0]

    def _why_not_proved(self) -> str:
        sure = [access for access in self._accesses if access.is_sure]
        if not sure:
            return ""  # what has the host may be another store
        return NOT_SEEN if any(access.is_local for access in sure) else NOT_CONNECTED

    def _proved(self) -> Access | None:
        """Return the access that is proved first, before the window closes."""
        while not self._stopped.is_set():
            access = proved(self._accesses, self._pids)
            if access is not None:
                return access
            self._stopped.wait(1 / PROOFS_PER_S)
        return None
