"""What the system says of a process: when it started, its children, what it used.

Linux tells by ``/proc`` and by the CPU clock of each process; elsewhere ``ps`` is asked.
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
    """One process. ``started`` serves to tell it from a later one with the same id."""

    pid: int
    parent: int
    group: int
    started: str
    cpu_s: float
    memory_bytes: int


def facts_of(pid: int) -> Facts | None:
    """Give what is known of a process; None where there is none, or only its exit code is left."""
    if sys.platform != "linux":
        return _listed().get(pid)
    try:
        return parse_stat((PROC / f"{pid}/stat").read_text(), cpu_s=_cpu_clock_s(pid))
    except OSError:
        return None


def family(pid: int) -> tuple[Facts, ...]:
    """Give a process and all that it started, itself first, then in the order of their ids."""
    first = facts_of(pid)
    if first is None:
        return ()
    if sys.platform == "linux":
        children = sorted(_children(pid))
    else:
        children = sorted(one.pid for one in _listed().values() if one.parent == pid)
    return (first, *(member for child in children for member in family(child)))


def everyone() -> tuple[Facts, ...]:
    """Give all processes that run."""
    if sys.platform != "linux":
        return tuple(_listed().values())
    found = (facts_of(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())
    return tuple(one for one in found if one is not None)


def pin(pid: int, cores: Collection[int]) -> None:
    """Bind all threads of a process to these cores, and so all that they start."""
    for task in (PROC / f"{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(task.name), cores)


def parse_stat(text: str, *, cpu_s: float) -> Facts | None:
    """Read ``/proc/<pid>/stat`` (proc(5)); its own CPU times are too coarse (10 ms) to be used."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()  # the name may hold blanks and brackets itself
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
    """Read what ``ps`` writes when asked for ``PS_FIELDS``; sizes are in KiB."""
    found = {}
    for line in text.splitlines():
        pid, parent, group, state, rss, cpu, started = line.split(maxsplit=6)
        if state.startswith("Z"):
            continue
        found[int(pid)] = Facts(
            pid=int(pid),
            parent=int(parent),
            group=int(group),
            started=started.strip(),
            cpu_s=_seconds(cpu),
            memory_bytes=int(rss) * 1024,
        )
    return found


def _seconds(text: str) -> float:
    """Read ``[[days-]hours:]minutes:seconds``, the last with or without a fraction."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + float(part)
    return total + 86400 * int(days or 0)


def _listed() -> Mapping[int, Facts]:
    return parse_ps(proc.run(["ps", "-A", "-o", PS_FIELDS]).stdout)


def _cpu_clock_s(pid: int) -> float:
    # clock_getcpuclockid(3) in one line: nanoseconds of all threads, where /proc has 10 ms steps.
    return time.clock_gettime((~pid << 3) | 2)


def _children(pid: int) -> list[int]:
    try:  # gunicorn and nginx start their workers from the main thread
        return [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN, or the process has gone
        return [one.pid for one in everyone() if one.parent == pid]
