"""Keeps cores awake during a measurement; ``busy_loop`` explains why."""

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
"""The busy loop's log in a results folder."""


class Awake:
    """The busy loop's process, or with ``pid`` None no such process."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid

    @property
    def holds(self) -> bool:
        """Whether the cores are kept awake."""
        return self._pid is not None

    def cpu_s(self) -> float:
        """Return the CPU-seconds that the busy loop has used."""
        return sum(process.cpu_s for process in procfs.family(self._pid)) if self._pid else 0.0


@contextmanager
def kept_awake(cores: Sequence[int], log: Path) -> Iterator[Awake]:
    """Keep these cores of this machine awake inside the block.

    This does nothing if this process has a CPU limit, which the busy loop would use up, or if the
    system has no idle scheduling class, which only Linux has.
    """
    if not cores or not hasattr(os, "SCHED_IDLE") or host.own_cpu_limit() is not None:
        yield Awake(None)
        return
    argv = (sys.executable, "-I", "-S", busy_loop.__file__, ",".join(map(str, cores)))
    with Child(argv, log=log) as child:
        yield Awake(child.pid)
