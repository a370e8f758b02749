"""Finds the control group of a process, and reads its counters and limits (Linux, v1 and v2).

A :class:`Group` is found from ``/proc/<pid>/cgroup`` and the mounts, so it may belong to a
container, to a systemd unit or to this project. Sources: cgroups(7), and in the kernel's
documentation ``admin-guide/cgroup-v2.rst``, ``scheduler/sched-bwc.rst`` and
``cgroup-v1/cpuacct.rst``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from loadtests.tools.procfs.kernel_files import text_of

PROC = Path("/proc")
ROOT = Path("/sys/fs/cgroup")

PERIOD_US = 100_000
"""The kernel's and Docker's default period of CPU bandwidth control."""

SHORT_PERIOD_US = 1_000
"""The shortest period that the kernel takes."""

NO_LIMIT_BYTES = 1 << 60
"""Version 1 writes "no memory limit" as a number near 2^63."""

V1_CONTROLLERS = ("cpu", "cpuacct", "memory")
"""The controllers read in version 1; each may have its own tree, or share one with another."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A control group: for each controller, the folder that holds its files.

    In version 2 all controllers have the same folder. ``tops`` are the roots of those trees; a
    limit may be set on any group between a root and this one.
    """

    version: int
    folders: Mapping[str, Path]
    tops: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What a group has used so far; None if this kernel or controller does not count it."""

    cpu_s: float
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A mounted tree of groups: its mount point, its root group and its controllers."""

    path: Path
    root: str
    version: int
    controllers: tuple[str, ...]


# -- finding ----------------------------------------------------------------------------------


def group_of(pid: int, *, proc_root: Path = PROC, cgroup_root: Path = ROOT) -> Group | None:
    """Return the group of a process, or None if it has none that this process can read."""
    try:
        membership = text_of(proc_root / str(pid) / "cgroup")
        mounts = parse_mounts(text_of(proc_root / "self/mountinfo"), cgroup_root=cgroup_root)
    except OSError:
        return None
    return locate(parse_membership(membership), mounts)


def parse_membership(text: str) -> dict[str, str]:
    """Parse ``/proc/<pid>/cgroup`` into the group's path by controller; version 2's key is ""."""
    members: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        members |= dict.fromkeys(controllers.split(","), path)
    return members


def parse_mounts(mountinfo: str, *, cgroup_root: Path = ROOT) -> tuple[Mount, ...]:
    """Parse ``/proc/self/mountinfo`` (proc(5)) into the mounted trees of control groups.

    ``cgroup_root`` replaces ``/sys/fs/cgroup`` in their paths.
    """
    mounts = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind not in {"cgroup", "cgroup2"}:
            continue
        root, path = before.split()[3:5]
        if PurePosixPath(path).is_relative_to(ROOT.as_posix()):
            place = cgroup_root / PurePosixPath(path).relative_to(ROOT.as_posix())
        else:
            place = Path(path)
        mounts.append(
            Mount(
                path=place,
                root=root,
                version=2 if kind == "cgroup2" else 1,
                controllers=tuple(options.split(",")) if kind == "cgroup" else (),
            )
        )
    return tuple(mounts)


def locate(membership: Mapping[str, str], mounts: tuple[Mount, ...]) -> Group | None:
    """Return the group of a process, or None if its CPU use cannot be read.

    If version 1 has the CPU controllers (as in a hybrid set-up), it is used instead of version 2.
    """
    folders: dict[str, Path] = {}
    tops: dict[str, Path] = {}
    for mount in mounts:
        for controller in V1_CONTROLLERS:
            if mount.version == 1 and controller in mount.controllers:
                folder = _below(mount, membership.get(controller))
                if folder is not None:
                    folders[controller] = folder
                    tops[controller] = mount.path
    if "cpuacct" in folders:
        return Group(version=1, folders=folders, tops=tops)
    for mount in mounts:
        folder = _below(mount, membership.get("")) if mount.version == 2 else None
        if folder is not None and (folder / "cpu.stat").exists():
            names = V1_CONTROLLERS
            return Group(
                version=2,
                folders=dict.fromkeys(names, folder),
                tops=dict.fromkeys(names, mount.path),
            )
    return None


def _below(mount: Mount, path: str | None) -> Path | None:
    """Return the folder of a group in a tree of which only a branch may be mounted."""
    if path is None or ".." in PurePosixPath(path).parts:  # outside this cgroup namespace
        return None
    group = PurePosixPath(path)
    if group.is_relative_to(mount.root):
        return mount.path / group.relative_to(mount.root)
    return None


# -- reading ----------------------------------------------------------------------------------


def read(group: Group) -> Counters:
    """Read a group's counters; raises :class:`OSError` if the group no longer exists."""
    cpu = group.folders.get("cpu")
    stat = parse_flat(_text(cpu / "cpu.stat")) if cpu else {}
    if group.version == 1:
        cpu_s = int(_text(group.folders["cpuacct"] / "cpuacct.usage")) / 1e9
        throttled_s = stat["throttled_time"] / 1e9 if "throttled_time" in stat else None
        memory_file = "memory.usage_in_bytes"
    else:
        cpu_s = stat["usage_usec"] / 1e6
        throttled_s = stat["throttled_usec"] / 1e6 if "throttled_usec" in stat else None
        memory_file = "memory.current"
    return Counters(
        cpu_s=cpu_s,
        periods=stat.get("nr_periods"),
        throttled_periods=stat.get("nr_throttled"),
        throttled_s=throttled_s,
        memory_bytes=_number(group, "memory", memory_file),
    )


def processes(group: Group) -> tuple[int, ...]:
    """Return the ids of the processes in a group, sorted.

    Raises :class:`OSError` if the group no longer exists.
    """
    folder = group.folders.get("cpu") or group.folders["cpuacct"]
    return tuple(sorted(int(line) for line in _text(folder / "cgroup.procs").split()))


def oom_kills(group: Group) -> int:
    """Return how many processes of a group the kernel killed, out of memory; 0 if it cannot tell.

    Both ``memory.oom_control`` (version 1) and ``memory.events`` have a line ``oom_kill``.
    """
    folder = group.folders.get("memory")
    name = "memory.oom_control" if group.version == 1 else "memory.events"
    with contextlib.suppress(OSError, ValueError):
        return parse_flat(_text(folder / name)).get("oom_kill", 0) if folder else 0
    return 0


def cpu_limit(group: Group) -> float | None:
    """Return the lowest CPU limit of a group and its ancestors, in CPUs; None without a limit."""
    limits = []
    for folder in _upwards(group, "cpu"):
        with contextlib.suppress(OSError, ValueError):
            if group.version == 1:
                quota, period = (
                    _text(folder / "cpu.cfs_quota_us"),
                    _text(folder / "cpu.cfs_period_us"),
                )
            else:
                quota, period = _text(folder / "cpu.max").split()
            limits.append(int(quota) / int(period))  # "max" raises ValueError: no limit
    return min((limit for limit in limits if limit > 0), default=None)  # v1: -1 is no limit


def memory_limit(group: Group) -> int | None:
    """Return the lowest memory limit of a group and its ancestors, in bytes; None without one."""
    name = "memory.limit_in_bytes" if group.version == 1 else "memory.max"
    limits = []
    for folder in _upwards(group, "memory"):
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(_text(folder / name)))
    return min((limit for limit in limits if limit < NO_LIMIT_BYTES), default=None)


# -- writing ----------------------------------------------------------------------------------


def set_cpu(group: Group, cpus: float) -> None:
    """Give a group so many CPUs in each period; raise :class:`OSError` if that is not allowed."""
    folder, quota_us = group.folders["cpu"], round(cpus * PERIOD_US)
    if group.version == 1:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US), encoding="utf-8")
        (folder / "cpu.cfs_quota_us").write_text(str(quota_us), encoding="utf-8")
    else:
        (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}", encoding="utf-8")


def may_set_period(group: Group) -> bool:
    """Return whether this user may set the period of a group's quota."""
    return os.access(_period_file(group), os.W_OK)


def set_period(group: Group, period_us: int) -> None:
    """Set the period of a group's quota; raise :class:`OSError` if that is not allowed."""
    path = _period_file(group)
    quota_us = "" if group.version == 1 else f"{_text(path).split()[0]} "
    path.write_text(f"{quota_us}{period_us}", encoding="utf-8")


def _period_file(group: Group) -> Path:
    """Return the file with a group's period; in version 2 its quota is there, too."""
    return group.folders["cpu"] / ("cpu.cfs_period_us" if group.version == 1 else "cpu.max")


def parse_flat(text: str) -> dict[str, int]:
    """Parse ``key value`` lines into numbers by key."""
    pairs = (line.split() for line in text.splitlines())
    return {key: int(value) for key, value in pairs}


def _upwards(group: Group, controller: str) -> list[Path]:
    folder, top = group.folders.get(controller), group.tops.get(controller)
    if folder is None or top is None:
        return []
    return [folder, *(above for above in folder.parents if above.is_relative_to(top))]


def _number(group: Group, controller: str, name: str) -> int | None:
    folder = group.folders.get(controller)
    with contextlib.suppress(OSError, ValueError):
        return int(_text(folder / name)) if folder else None
    return None


def _text(path: Path) -> str:
    # Half the time of Path.read_text, which makes a decoder; this runs at a window's edges.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 65536).decode()
    finally:
        os.close(descriptor)
