"""Counters that all replicas of a machine read, and of which each replica writes its own row alone.

One writer a row means that no lock is needed. A lock would be held now and then by a replica that
has used up its CPU budget, and all others would wait for it: a loss that is not meant here.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

ROWS = 64
"""Replicas that have a place in the file."""

COLUMNS = 32
"""Counters of a replica."""

COUNT_BYTES = 8
"""A counter is a word of the machine. It is aligned and copied as a whole, so a reader sees it
before or after a change, never in between."""


class SharedCounts:
    """The counters in the file ``path``, of which those of ``replica`` (from 1) are written here.

    Threads of this process have to exclude one another when they write.

    Raises:
        ValueError: there is no row for such a replica.
    """

    def __init__(self, path: Path, replica: int) -> None:
        if not 1 <= replica <= ROWS:
            raise ValueError(f"Replica {replica} has no row: there are {ROWS}, from 1 on.")
        self._own = replica - 1
        size = ROWS * COLUMNS * COUNT_BYTES
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            os.ftruncate(descriptor, size)  # it is filled with zeros, and keeps what it has
            self._counts = memoryview(mmap.mmap(descriptor, size)).cast("Q")
        finally:
            os.close(descriptor)

    def add(self, column: int) -> None:
        """Add one to this replica's counter."""
        self._counts[column * ROWS + self._own] += 1

    def total(self, column: int) -> int:
        """Return the sum of all replicas' counters."""
        return sum(self._counts[column * ROWS : (column + 1) * ROWS])

    def of_others(self, column: int) -> int:
        """Return the sum of the other replicas' counters."""
        return self.total(column) - self._counts[column * ROWS + self._own]
