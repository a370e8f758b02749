"""Limits, prioritises and inspects other processes."""

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
"""The kernel's default period of CPU quotas."""

V1 = Path("/sys/fs/cgroup/cpu")


@contextmanager
def held(pid: int, share: float) -> Iterator[str]:
    """Limit ``pid`` to ``share`` of a core; yield the name of the mechanism.

    It uses a control group (version 1) if this user may create one. Otherwise it stops and
    continues the process in each period.
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
        with suppress(OSError):  # the process may have ended
            (V1 / "cgroup.procs").write_text(str(pid))
        remove(group)


def remove(group: Path) -> None:
    """Remove a control group; retry while the kernel still counts its last process."""
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
def real_time(*pids: int) -> Iterator[bool]:
    """Give ``pids`` real-time priority; yield whether this user may do that."""
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
def kept_awake(core: int | None) -> Iterator[None]:
    """Keep ``core`` awake with a busy loop in the kernel's idle class."""
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
    descendants: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for word in task.read_text().split():
                descendants += [int(word), *descendants_of(int(word))]
    return descendants


def resident_mib(pid: int) -> float:
    """Return the resident memory of ``pid`` in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
