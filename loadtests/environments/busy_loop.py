"""Keeps cores awake, so that a request never meets one that has to wake up first. Run by path.

A core with nothing to do is put to sleep: it lowers its clock, a virtual one is given to other
guests of the host. What comes next starts slow, and the idler the core was, the slower. A cell of
one replica leaves its core idle more often than one of four, so this does not only make windows
differ but bends the factor. Measured on a shared virtual machine (2 s windows, hashing under CPU
budgets of 0.1 on one core): speeds varied by 14 to 18 %, and the metronome ran 27 % faster beside
four such loads than alone; awake, 1 to 2 % in quiet minutes, and the same beside none and four.

One process a core computes in the kernel's idle class (``sched(7)``): it runs when nobody else
wants the core, and leaves it at once. All end with the process that holds the standard input.
It runs beside the stack, not in it: inside a group (a container) it would be last only there,
and the group as a whole would always want the core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

TURNS = 1_000_000
"""Of the empty loop between two looks whether the parent is still there: some 20 ms."""

LEAST_NICE = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Where the kernel groups by session, the session's own niceness is what counts (``sched(7)``). So
each has a session of its own: that of whoever started it is not ours to change."""


def spin(core: int, parent: int) -> None:
    """Compute for nothing, last of all, on one core until the parent is gone."""
    os.setsid()
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(LEAST_NICE))
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while os.getppid() == parent:
        for _ in range(TURNS):
            pass


def main(cores: list[int]) -> None:
    """Start a process for each core, and end them when standard input ends."""
    parent = os.getpid()
    children = []
    for core in cores:
        child = os.fork()
        if child == 0:
            try:
                spin(core, parent)
            finally:
                os._exit(0)
        children.append(child)
    try:
        sys.stdin.read()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)  # not every machine's first process takes orphans in soon


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1].split(",")])
