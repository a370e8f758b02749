"""Facts of processes: start time, children, CPU time and memory.

On Linux they come from ``/proc`` and each process's CPU clock, elsewhere from ``ps``.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.tools import proc

PROC = Path("/proc")

PS_FIELDS = "pid=,ppid=,pgid=,state=,rss=,time=,lstart="

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One process; ``started`` distinguishes it from a later process with the same id."""

    pid: int
    parent: int
    group: int
    started: str
    cpu_s: float
    memory_bytes: int


def facts_of(pid: int) -> Facts | None:
    """Return the facts of a process; None if it does not exist, or is a zombie."""
    if sys.platform != "linux":
        return _listed().get(pid)
    try:
        return parse_stat((PROC / f"{pid}/stat").read_text(), cpu_s=_cpu_clock_s(pid))
    except OSError:
        return None


def family(pid: int) -> tuple[Facts, ...]:
    """Return a process and its descendants: itself first, then by their ids; () if it is gone."""
    first = facts_of(pid)
    if first is None:
        return ()
    if sys.platform == "linux":
        children = sorted(_children(pid))
    else:
        children = sorted(process.pid for process in _listed().values() if process.parent == pid)
    return (first, *(member for child in children for member in family(child)))


def everyone() -> tuple[Facts, ...]:
    """Return all running processes."""
    if sys.platform != "linux":
        return tuple(_listed().values())
    processes = (facts_of(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())
    return tuple(process for process in processes if process is not None)


def threads_of(pid: int) -> int:
    """Return how many threads a process has; 1 where that cannot be read."""
    try:
        return len(list((PROC / f"{pid}/task").iterdir()))
    except OSError:
        return 1


def command_of(pid: int) -> str:
    """Return a process's command line with blanks between its words; "" if it is gone."""
    try:
        return (PROC / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        if sys.platform == "linux":
            return ""
        done = proc.run(("ps", "-o", "command=", "-p", str(pid)), check=False)
        return done.stdout.strip()


def pin(pid: int, cores: Collection[int]) -> None:
    """Pin all threads of a process, and whatever they start later, to these cores."""
    for task in (PROC / f"{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # this thread has just ended
            os.sched_setaffinity(int(task.name), cores)


def parse_stat(text: str, *, cpu_s: float) -> Facts | None:
    """Parse ``/proc/<pid>/stat`` (proc(5)); None for a zombie.

    ``cpu_s`` comes from the caller, because the CPU times in this file are too coarse (10 ms).
    """
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()  # the name may contain blanks and brackets
    if fields[0] in {"Z", "X"}:
        return None
    return Facts(
        pid=int(pid),
        parent=int(fields[1]),
        group=int(fields[2]),
        started=fields[19],
        cpu_s=cpu_s,
        memory_bytes=int(fields[21]) * PAGE_BYTES,
    )


def parse_ps(text: str) -> dict[int, Facts]:
    """Parse the output of ``ps -o PS_FIELDS``, in which sizes are in KiB."""
    processes = {}
    for line in text.splitlines():
        pid, parent, group, state, rss, cpu, started = line.split(maxsplit=6)
        if state.startswith("Z"):
            continue
        processes[int(pid)] = Facts(
            pid=int(pid),
            parent=int(parent),
            group=int(group),
            started=started.strip(),
            cpu_s=_seconds(cpu),
            memory_bytes=int(rss) * 1024,
        )
    return processes


def _seconds(text: str) -> float:
    """Parse ``[[days-]hours:]minutes:seconds``, the seconds with or without a fraction."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + float(part)
    return total + 86400 * int(days or 0)


def _listed() -> Mapping[int, Facts]:
    return parse_ps(proc.run(["ps", "-A", "-o", PS_FIELDS]).stdout)


def _cpu_clock_s(pid: int) -> float:
    # As clock_getcpuclockid(3) computes the clock's id: it counts in ns, /proc in steps of 10 ms.
    return time.clock_gettime((~pid << 3) | 2)


def _children(pid: int) -> list[int]:
    try:  # the main thread's children suffice: gunicorn and nginx start their workers there
        return [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN, or the process has ended
        return [process.pid for process in everyone() if process.parent == pid]
