"""Facts of this machine, and the time its cores spent (Linux; macOS without the counters).

The roots of ``/proc``, ``/sys`` and ``/sys/fs/cgroup`` are parameters, so that tests can read
captured trees.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from loadtests.model.machine import Machine
from loadtests.model.stack import HostReading
from loadtests.tools import cgroup, proc
from loadtests.tools.procfs.kernel_files import text_of

PROC = Path("/proc")

SYS = Path("/sys")

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
"""The unit of the counters in ``/proc/stat`` and ``/proc/<pid>/stat``."""


def read_machine(
    *,
    can_budget: bool,
    engine: str | None = None,
    compose: str | None = None,
    proc_root: Path = PROC,
    cgroup_root: Path = cgroup.ROOT,
    sys_root: Path = SYS,
) -> Machine:
    """Return the facts of the part of this machine that this process may use.

    ``cores`` is the number of logical CPUs that this process may run on, or its control group's CPU
    limit rounded down, if that is lower. ``core_ids`` has that many entries, of as many cores as
    possible.
    """
    own = cgroup.group_of(os.getpid(), proc_root=proc_root, cgroup_root=cgroup_root)
    core_ids = usable_cores()
    limit = cgroup.cpu_limit(own) if own else None
    if limit is not None:
        threads = hardware_threads(core_ids, sys_root=sys_root)
        core_ids = _of_most_cores(core_ids, threads, count=max(1, math.floor(limit)))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    memory_limit = cgroup.memory_limit(own) if own else None
    return Machine(
        cores=len(core_ids),
        core_ids=core_ids,
        memory_bytes=min(memory, memory_limit or memory),
        cpu_model=cpu_model(proc_root=proc_root),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        engine=engine,
        compose=compose,
        cgroup=f"v{own.version}" if own else None,
        can_budget=can_budget,
        can_pin=can_pin(),
        hardware_threads=hardware_threads(core_ids, sys_root=sys_root),
    )


def hardware_threads(
    core_ids: Sequence[int], *, sys_root: Path = SYS
) -> tuple[tuple[int, ...], ...]:
    """Return these logical CPUs by the physical cores that they are threads of.

    The result is empty where no two are on one core, or where the system does not say it. Source:
    ``topology/thread_siblings_list`` in the kernel's ``admin-guide/cputopology.rst``.
    """
    groups: dict[int, list[int]] = {}
    for core in core_ids:
        path = sys_root / f"devices/system/cpu/cpu{core}/topology/thread_siblings_list"
        try:
            siblings = parse_cpu_list(text_of(path))
        except (OSError, ValueError):
            siblings = (core,)
        groups.setdefault(min((core, *siblings)), []).append(core)
    if len(groups) == len(core_ids):
        return ()
    return tuple(tuple(group) for _, group in sorted(groups.items()))


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """Parse a list of the kernel's: ``0-1`` or ``0,4``; raise ValueError for anything else."""
    spans = [span.partition("-") for span in text.strip().split(",")]
    return tuple(
        number for low, _, high in spans for number in range(int(low), int(high or low) + 1)
    )


def _of_most_cores(
    core_ids: Sequence[int], threads: Sequence[Sequence[int]], *, count: int
) -> tuple[int, ...]:
    """Return ``count`` logical CPUs: the first of each core, then the second of each."""
    place = {core: group.index(core) for group in threads for core in group}
    return tuple(sorted(sorted(core_ids, key=lambda core: (place.get(core, 0), core))[:count]))


def queue_limit(*, proc_root: Path = PROC) -> int | None:
    """Return how many connections may wait at one socket of this system; None if it is not known.

    Source: ``net.core.somaxconn`` in listen(2).
    """
    try:
        return int(text_of(proc_root / "sys/net/core/somaxconn"))
    except (OSError, ValueError):
        return None


def own_cpu_limit() -> float | None:
    """Return this process's own CPU limit, in CPUs; None without a limit."""
    own = cgroup.group_of(os.getpid())
    return cgroup.cpu_limit(own) if own else None


def can_pin() -> bool:
    """Return whether this system can pin a process to cores."""
    return hasattr(os, "sched_setaffinity")


def usable_cores() -> tuple[int, ...]:
    """Return the numbers of the cores that this process may run on."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def cpu_model(*, proc_root: Path = PROC) -> str:
    """Return the processor's marketing name, or its architecture if it has none."""
    if sys.platform == "darwin":
        return proc.run(["sysctl", "-n", "machdep.cpu.brand_string"]).stdout.strip()
    try:
        text = text_of(proc_root / "cpuinfo")
    except OSError:
        return platform.machine()
    return parse_cpu_model(text) or platform.machine()


def parse_cpu_model(cpuinfo: str) -> str | None:
    """Parse the model from ``/proc/cpuinfo``; None if it names none (as on many Arm processors)."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model"} and value.strip():
            return value.strip()
    return None


def read_host(cores: Collection[int], *, proc_root: Path = PROC) -> HostReading | None:
    """Read these cores' times since boot; None if the system has no ``/proc/stat``."""
    try:
        text = text_of(proc_root / "stat")
    except OSError:
        return None
    return parse_host(text, cores, at_s=proc.now_s())


def parse_host(stat: str, cores: Collection[int], *, at_s: float) -> HostReading:
    """Sum the given cores' lines of ``/proc/stat`` (proc(5)), in seconds.

    ``user`` already includes the time of guests. An offline core has no line and adds nothing.
    """
    core_names = {f"cpu{core}" for core in cores}
    lines = [line.split() for line in stat.splitlines()]
    ticks = [
        [int(field) for field in line[1:9]] for line in lines if line and line[0] in core_names
    ]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, steal = (
        (sum(column) / TICKS_PER_S for column in zip(*ticks, strict=True)) if ticks else [0.0] * 8
    )
    return HostReading(
        at_s=at_s,
        busy_s=user + nice + system + interrupts + soft_interrupts,
        steal_s=steal,
        idle_s=idle + waiting,
        cores=len(ticks),
    )
