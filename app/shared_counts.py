"""Counters that the processes of a replica share through a file, for servers without hooks."""

from __future__ import annotations

import fcntl
from mmap import PAGESIZE, mmap
from pathlib import Path

from app.counters import Counters

NUMBER_BYTES = 8
"""After the page with the counts, the file has the number of processes that joined so far."""


def join(counters: Counters, path: Path) -> int:
    """Count in the file's memory from now on, in the next free slot, and return its number."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not file.seek(0, 2):
            file.truncate(PAGESIZE + NUMBER_BYTES)
        memory = mmap(file.fileno(), PAGESIZE + NUMBER_BYTES)
        place = slice(PAGESIZE, PAGESIZE + NUMBER_BYTES)
        number = int.from_bytes(memory[place], "little")
        memory[place] = (number + 1).to_bytes(NUMBER_BYTES, "little")
        counters.share(mmap(file.fileno(), PAGESIZE), number)
        # The memory keeps the file open, and with it the lock.
        fcntl.flock(file, fcntl.LOCK_UN)
    return number
