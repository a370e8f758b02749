"""Requests that cost more CPU the more replicas serve, by ways that real applications have.

=========  =========================================================================================
apart      The control: each request costs the same, with any number of replicas.
retries    A request computes a new version of a document, and saves it if nobody has meanwhile.
           Otherwise it computes again. More replicas save more often, so more is computed in vain.
peers      Every other replica has to work at each request, as where each keeps a copy of all.
cache      Each replica has a cache, and each fourth request changes an entry. That entry is invalid
           at all replicas then. More replicas change more entries between two reads of one.
=========  =========================================================================================

Work is rounds of hashing. :func:`miss_ratio` and :func:`peer_rounds` say what is true of two of the
ways. The third depends on how attempts fall between one another: where each of the others ends
once meanwhile, a request needs 1.8, 2.7 and 4.7 attempts with 1, 2 and 4 replicas of 4 slots.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from flask import Blueprint, current_app

from app import work
from scripts.zoo.app.shared_counts import SharedCounts

blueprint = Blueprint("dearer", __name__)

ROUNDS = 20_000
"""Rounds of a request, or of an attempt at one: as those of the sample's /cpu."""

DOCUMENTS = 4
"""Documents that all requests change: one for each slot of a replica."""

ATTEMPT_S = 0.02
"""Seconds that an attempt waits before it computes, as for another service. All slots have begun
theirs by then. CPU stays full: with 0.1 CPU four attempts compute for longer than that."""

PEER_ROUNDS = 12_000
"""Rounds at every other replica for one request."""

PAUSE_S = 1.0
"""A replica that was not asked for so long does not make up for what the others did meanwhile: in
a run, only the replicas of the measured cell have work."""

ENTRIES = 20
"""Entries of the cache: more than a replica reads before the next one has its turn on the core, and
so few that the cache is warm after a second."""

WRITE_EVERY = 4
"""Each so many requests of a replica, one changes an entry."""

FILL_ROUNDS = 60_000
"""Rounds of a read whose entry is not in the cache."""

Spin = Callable[[int], object]


class Way(Protocol):
    """A way to serve a request."""

    def serve(self) -> None:
        """Do the work of one request."""


def miss_ratio(replicas: int) -> float:
    """Return the share of reads that are not in the cache.

    A replica reads each entry once in ``ENTRIES`` of its requests. Meanwhile all ``replicas`` make
    as many requests each, and one in ``WRITE_EVERY`` changes an entry, whichever it is. The read is
    a hit if none of them changed this one.
    """
    writes = ENTRIES * replicas / WRITE_EVERY
    return float(1 - (1 - 1 / ENTRIES) ** writes)


def peer_rounds(replicas: int) -> int:
    """Return the rounds of one request at all replicas together."""
    return ROUNDS + (replicas - 1) * PEER_ROUNDS


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Each request costs the same."""

    spin: Spin = work.spin

    def serve(self) -> None:
        """Compute."""
        self.spin(ROUNDS)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An attempt to change a document, and the version that it began from."""

    document: int
    version: int


class Retries:
    """An optimistic lock: what was computed from an old version is computed again.

    Between the check and the save of one replica another may save. Then one change is lost, which
    matters to nobody here.
    """

    def __init__(
        self, counts: SharedCounts, draw: random.Random, *, spin: Spin = work.spin
    ) -> None:
        self._counts, self._draw, self._spin = counts, draw, spin
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Change a document, in as many attempts as it takes."""
        document = self._draw.randrange(DOCUMENTS)
        while True:
            attempt = self.begin(document)
            time.sleep(ATTEMPT_S)
            if self.end(attempt):
                return

    def begin(self, document: int) -> Attempt:
        """Read the version of a document."""
        return Attempt(document=document, version=self._counts.total(document))

    def end(self, attempt: Attempt) -> bool:
        """Compute, and save; return False where somebody else has saved meanwhile."""
        self._spin(ROUNDS)
        with self._lock:
            if self._counts.total(attempt.document) != attempt.version:
                return False
            self._counts.add(attempt.document)
        return True


class Peers:
    """Each replica also works at every request of the others, when it is asked next."""

    def __init__(
        self,
        counts: SharedCounts,
        *,
        spin: Spin = work.spin,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts, self._spin, self._clock_s = counts, spin, clock_s
        self._lock = threading.Lock()
        self._seen, self._asked_s = counts.of_others(0), clock_s()

    def serve(self) -> None:
        """Compute for this request, and for those that the others had since the last one."""
        with self._lock:
            self._counts.add(0)
            others, now_s = self._counts.of_others(0), self._clock_s()
            due = others - self._seen if now_s - self._asked_s < PAUSE_S else 0
            self._seen, self._asked_s = others, now_s
        self._spin(ROUNDS + due * PEER_ROUNDS)


class Cache:
    """A cache of which every replica's changes are taken out everywhere."""

    def __init__(
        self, counts: SharedCounts, draw: random.Random, *, spin: Spin = work.spin
    ) -> None:
        self._counts, self._draw, self._spin = counts, draw, spin
        self._lock = threading.Lock()
        self._versions: dict[int, int] = {}
        """The version of each entry that is in the cache."""
        self._requests = 0

    def serve(self) -> None:
        """Read an entry, from the cache if it is there as it is now; each fourth time change one.

        The entries are read in turn. So windows differ by less than if each read were drawn.
        """
        with self._lock:
            self._requests += 1
            entry = self._requests % ENTRIES
            version = self._counts.total(entry)
            hit = self._versions.get(entry) == version
            self._versions[entry] = version
            if self._requests % WRITE_EVERY == 0:
                self._counts.add(self._draw.randrange(ENTRIES))
        if not hit:
            self._spin(FILL_ROUNDS)


WAYS = ("apart", "retries", "peers", "cache")


def make(way: str, counts: SharedCounts) -> Way:
    """Return one of ``WAYS``."""
    draw = random.Random()
    match way:
        case "retries":
            return Retries(counts, draw)
        case "peers":
            return Peers(counts)
        case "cache":
            return Cache(counts, draw)
        case _:
            return Apart()


class Dearer(Protocol):
    """An application that has a way."""

    dearer: Way | None


@blueprint.get("/dearer")
def dearer() -> dict[str, object]:
    """Serve a request in the way that the environment names; without one, do nothing."""
    way = cast("Dearer", current_app).dearer
    if way is not None:
        way.serve()
    return {"done": way is not None}
