"""Records every request of one trial in compact columns."""

from __future__ import annotations

from array import array
from typing import TypeVar

import numpy as np

from loadtests.generator.examples import Examples
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.samples import MOST_ENTRIES, OTHERS, Samples, by_due

Entry = TypeVar("Entry", str, bytes)

MICROSECONDS = 1e6
"""Microseconds per second; the columns of moments are in microseconds."""

NO_REPLICA = -1
"""Value of the column ``replica`` if the answer names none."""


MOST_BYTES = 100
"""How much of a replica's name is kept; an address with a port has at most 47 characters."""

OTHERS_BYTES = OTHERS.encode()


class Recorder:
    """Collects one row of 36 bytes per request until the trial's end.

    Moments are seconds of the monotonic clock, as ``time.monotonic()`` gives them.
    """

    def __init__(self) -> None:
        self._due = array("d")
        self._sent = array("d")
        self._done = array("d")
        self._status = array("h")
        self._outcome = array("h")
        self._replica = array("h")
        self._name = array("h")
        self._bytes = array("i")
        self._redirects: dict[str, int] = {}
        self.examples = Examples()
        self._replicas: dict[bytes, int] = {}
        self._names: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._done)

    def replica_index(self, replica: bytes | None) -> int:
        """Return the index of ``replica`` in the table, which grows up to its limit."""
        if replica is None:
            return NO_REPLICA
        index = self._replicas.get(replica)
        return (
            _added(self._replicas, replica[:MOST_BYTES], OTHERS_BYTES) if index is None else index
        )

    def name_index(self, name: str) -> int:
        """Return the index of ``name`` in the table, which grows up to its limit."""
        index = self._names.get(name)
        return _added(self._names, name, OTHERS) if index is None else index

    def add(
        self,
        due: float,
        sent: float,
        done: float,
        status: int,
        outcome: Outcome,
        replica: int,
        name: int,
        body_bytes: int = 0,
    ) -> None:
        """Add the row of an ended request. Positional, for speed: it runs once per request."""
        self._due.append(due)
        self._sent.append(sent)
        self._done.append(done)
        self._status.append(status)
        self._outcome.append(outcome)
        self._replica.append(replica)
        self._name.append(name)
        self._bytes.append(body_bytes)

    def add_redirect(self, replica: bytes | None) -> None:
        """Count a redirect that was followed: an answer of ``replica`` without a row of its own."""
        name = "" if replica is None else replica[:MOST_BYTES].decode("latin-1")
        if name not in self._redirects and len(self._redirects) >= MOST_ENTRIES - 1:
            name = OTHERS
        self._redirects[name] = self._redirects.get(name, 0) + 1

    def clear(self) -> None:
        """Forget all rows and redirects; the tables of names and replicas stay."""
        for column in (self._due, self._sent, self._done):
            del column[:]
        for kind in (self._status, self._outcome, self._replica, self._name):
            del kind[:]
        del self._bytes[:]
        self._redirects.clear()
        self.examples.clear()

    def samples(self, opened: float) -> Samples:
        """Return the recorded rows, with moments in microseconds since ``opened``."""
        moments = {"due_us": self._due, "sent_us": self._sent, "done_us": self._done}
        kinds = {
            "status": self._status,
            "outcome": self._outcome,
            "replica": self._replica,
            "name": self._name,
        }
        columns = {
            key: np.rint((np.array(values) - opened) * MICROSECONDS).astype(np.int64)
            for key, values in moments.items()
        } | {key: np.array(values, dtype=np.int16) for key, values in kinds.items()}
        columns["bytes"] = np.array(self._bytes, dtype=np.int32)
        replicas = tuple(replica.decode("latin-1") for replica in self._replicas)
        names = tuple(self._names)
        return Samples(
            columns=by_due(columns),
            replicas=replicas,
            names=names,
            redirects=dict(self._redirects),
            examples=self.examples.told(names, replicas),
        )


def _added(table: dict[Entry, int], entry: Entry, others: Entry) -> int:
    """Return the index of a new entry, or beyond the limit that of all others."""
    if len(table) >= MOST_ENTRIES - 1:
        entry = others
    return table.setdefault(entry, len(table))
