"""Looks at the store's sessions while a load is on: the store's side of what requests wait for."""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.profiles import statements
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.profiles.records import StoreProfile, StoreSession
from loadtests.tools import procfs
from loadtests.tools.postgres import activity
from loadtests.tools.procfs import threads

LOOKS_PER_S = 20.0
"""A look is one short query of a millisecond."""

JOIN_LIMIT_S = 6.0

MOST_KINDS = 40
"""So many different sessions are kept."""


def access_of(pids: Sequence[int]) -> activity.Access | None:
    """Return how the application reaches its PostgreSQL; None if its variables name none.

    A name that only the replicas' network knows is replaced by the address of their connections.
    """
    for pid in pids:
        access = activity.access_in(procfs.environment_of(pid))
        if access is None:
            continue
        if _is_address(access.host):
            return access
        host = threads.connected_to(pid, access.port)
        return replace(access, host=host) if host else access
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


class StoreLooking:
    """A thread that looks at the store's sessions, from ``start`` to ``stop``."""

    def __init__(self, access: activity.Access) -> None:
        self._access = access
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._looks = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-looking", daemon=True)
        self.failure = ""

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
            address=str(self._access),
            looks=self._looks,
            sessions=tuple(
                StoreSession(wait_type=kind, wait_event=event, statement=statement, count=count)
                for (kind, event, statement), count in self._counts.most_common(MOST_KINDS)
            ),
        )

    def _run(self) -> None:
        try:
            with activity.watched(self._access) as watched:
                while not self._stopped.is_set():
                    for kind, event, query in watched.sessions():
                        self._counts[kind, event, statements.shape_of(query)] += 1
                    self._looks += 1
                    self._stopped.wait(1 / LOOKS_PER_S)
        except EnvironmentFailure as error:
            self.failure = str(error).splitlines()[0]
