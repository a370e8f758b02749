"""Keeps cores busy, so that no request waits for a sleeping core to wake up. Run by path.

An idle core is put to sleep: a physical one lowers its clock, a virtual one is lent to other guests
of the host. The next work on it starts slowly. A cell of one replica leaves its core idle more
often than a cell of four, so sleeping cores bias the doubling factor.

One process per core runs in the kernel's idle class (``sched(7)``): it runs only when no other
process wants the core. All end when standard input ends. They run outside the stack: inside a
control group (a container) they would come last only within it, and that group would always compete
for the core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

TURNS = 1_000_000
"""Turns of the empty loop between two checks for the parent process: about 20 ms."""

LEAST_NICE = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""With autogroups, only the niceness of the session counts (``sched(7)``).

So each process starts its own session, and the session of its parent keeps its niceness."""


def keep_busy(core: int, parent: int) -> None:
    """Run an empty loop on one core, at the lowest priority, until the parent has ended."""
    os.setsid()
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(LEAST_NICE), encoding="utf-8")
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while os.getppid() == parent:
        for _ in range(TURNS):
            pass


def main(cores: list[int]) -> None:
    """Start one process per core, and end them when standard input ends."""
    parent = os.getpid()
    children = []
    for core in cores:
        child = os.fork()
        if child == 0:
            try:
                keep_busy(core, parent)
            finally:
                os._exit(0)
        children.append(child)
    try:
        sys.stdin.read()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)  # in some containers, init reaps orphans late or never


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1].split(",")])
