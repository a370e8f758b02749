"""Cores that do not fall asleep while they are measured; see ``busy_loop`` for why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments import busy_loop
from loadtests.tools import host, procfs
from loadtests.tools.proc import Child

AWAKE_LOG = "logs/awake.log"
"""Where its log is in a folder of results."""


class Awake:
    """What keeps cores awake, or (``pid`` None) nothing that does."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid

    @property
    def holds(self) -> bool:
        """Whether the cores are kept awake."""
        return self._pid is not None

    def cpu_s(self) -> float:
        """Give the CPU-seconds that were computed for nothing so far."""
        return sum(process.cpu_s for process in procfs.family(self._pid)) if self._pid else 0.0


@contextmanager
def kept_awake(cores: Sequence[int], log: Path) -> Iterator[Awake]:
    """Keep these cores of this machine awake for the length of the block.

    Not where this process is held to a CPU limit itself: it would be used up for nothing. And not
    where the system has no idle class, which only Linux has.
    """
    if not cores or not hasattr(os, "SCHED_IDLE") or host.own_cpu_limit() is not None:
        yield Awake(None)
        return
    argv = (sys.executable, "-I", "-S", busy_loop.__file__, ",".join(map(str, cores)))
    with Child(argv, log=log) as child:
        yield Awake(child.pid)
