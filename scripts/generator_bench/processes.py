"""Processes from outside: held to a share of a core, their children, their memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.generator_bench.child import pinned

PERIOD_S = 0.1
"""Of the kernel's CPU quotas, by default."""

V1 = Path("/sys/fs/cgroup/cpu")


@contextmanager
def held(pid: int, share: float) -> Iterator[str]:
    """Hold ``pid`` to ``share`` of a core; yields by what means.

    By a control group where this user may make one (version 1), else by stopping and continuing
    the process in the quota's rhythm.
    """
    group = V1 / f"twofold-bench-{pid}"
    try:
        group.mkdir()
    except OSError:
        with paused(pid, share):
            yield "signals"
        return
    try:
        (group / "cpu.cfs_period_us").write_text(str(round(PERIOD_S * 1e6)))
        (group / "cpu.cfs_quota_us").write_text(str(round(PERIOD_S * share * 1e6)))
        (group / "cgroup.procs").write_text(str(pid))
        yield "control group"
    finally:
        with suppress(OSError):  # it may have ended meanwhile
            (V1 / "cgroup.procs").write_text(str(pid))
        remove(group)


def remove(group: Path) -> None:
    """Remove a control group; the kernel takes a moment to see that its last process is gone."""
    for _ in range(100):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return


@contextmanager
def paused(pid: int, share: float) -> Iterator[None]:
    """Stop ``pid`` for most of each period, for as long as the block runs."""
    over = threading.Event()

    def hold() -> None:
        with suppress(ProcessLookupError):  # it may end while it is held
            while not over.is_set():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(PERIOD_S * (1 - share))
                os.kill(pid, signal.SIGCONT)
                time.sleep(PERIOD_S * share)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield
    finally:
        over.set()
        holder.join()


@contextmanager
def first(*pids: int) -> Iterator[bool]:
    """Let ``pids`` go before all ordinary processes; yields whether this user may have it so."""
    try:
        for pid in pids:
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        for pid in pids:
            os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def awake(core: int | None) -> Iterator[None]:
    """Keep ``core`` from sleeping, by work that everything else goes before."""
    words = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile 1: pass"
    with subprocess.Popen((*pinned(core), sys.executable, "-c", words)) as idler:
        try:
            yield
        finally:
            idler.kill()


def children_of(pid: int) -> list[int]:
    """Return the processes that ``pid`` started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants_of(pid: int) -> list[int]:
    """Return the processes that ``pid`` started, and those that they started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for word in task.read_text().split():
                found += [int(word), *descendants_of(int(word))]
    return found


def resident_mib(pid: int) -> float:
    """Return how much memory ``pid`` holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
