"""What a stack of processes owns on this machine, and its removal, whoever still lives.

A stack's folder, below the system's temporary one, says what belongs to it: ``owner.json`` (the
harness, and the control groups that it is about to make) and ``started/<member>`` (written by each
member about itself before it becomes anything). So it can be cleared by the harness's watchdog, or
by the next run where both were killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtests.tools import proc, procfs

PREFIX = "twofold-"
OWNER = "owner.json"
STARTED = "started"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

CLEAR_LIMIT_S = 8.0
"""How long the killed may take to go: less than the 10 s within which nothing may be left."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who a stack belongs to: the harness's process, of this start of the machine."""

    pid: int
    started: str
    boot: str
    groups: tuple[str, ...]


def place(name: str) -> Path:
    """Give the folder that a stack of this name has, whether it is there or not."""
    return Path(tempfile.gettempdir()) / name


def claim(folder: Path, groups: Iterable[Path]) -> None:
    """Make the folder of a new stack, and note who owns it and which groups it is about to make."""
    own = procfs.facts_of(os.getpid())
    owner = Owner(
        pid=os.getpid(),
        started=own.started if own else "",
        boot=_boot(),
        groups=tuple(str(group) for group in groups),
    )
    (folder / STARTED).mkdir(parents=True)
    folder.chmod(0o711)  # nginx, started by root, serves as another user
    (folder / OWNER).write_text(json.dumps(asdict(owner)))


def abandoned() -> tuple[Path, ...]:
    """Give the folders of stacks whose harness has ended, and that nobody has cleared."""
    return tuple(path.parent for path in _owned_by_user() if not _is_owned(path.parent))


def remove_all(say: Callable[[str], None]) -> int:
    """Clear the stacks of all runs of this user, living ones too; give how many."""
    folders = [path.parent for path in _owned_by_user()]
    for folder in folders:
        say(f"Removing {folder}")
        clear(folder)
    return len(folders)


def clear(folder: Path) -> None:
    """End every process of a stack, remove its control groups, then its folder.

    May be called again, and by several at once. Raises :class:`EnvironmentFailure` where a process
    or a group is still there after some seconds.
    """
    owner = _owner(folder)
    if owner is not None and owner.boot == _boot():
        leaders = _leaders(folder)
        groups = [Path(group) for group in owner.groups]
        proc.wait_until(
            lambda: _end(leaders, groups),
            limit_s=CLEAR_LIMIT_S,
            failure=lambda: (
                f"Not all of the stack in {folder} could be ended. Process groups:"
                f" {leaders or 'none'}; control groups: {', '.join(owner.groups) or 'none'}."
                " Look at them with `ps -A -o pid,pgid,state,args`, and end them."
            ),
        )
    shutil.rmtree(folder, ignore_errors=True)


def _owned_by_user() -> list[Path]:
    """Give the owner's notes of this user's stacks."""
    found = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"))
    return [path for path in found if path.stat().st_uid == os.geteuid()]


def _is_owned(folder: Path) -> bool:
    """Tell whether the harness that made the folder still runs."""
    owner = _owner(folder)
    if owner is None or owner.boot != _boot():
        return False
    running = procfs.facts_of(owner.pid)
    return running is not None and running.started == owner.started


def _owner(folder: Path) -> Owner | None:
    try:
        fields = json.loads((folder / OWNER).read_text())
        return Owner(**{**fields, "groups": tuple(fields["groups"])})
    except (OSError, ValueError, TypeError, KeyError):  # cleared meanwhile, or half written
        return None


def _leaders(folder: Path) -> tuple[int, ...]:
    """Give the process groups that the stack's members noted, but not those of later processes."""
    leaders = []
    for note in sorted((folder / STARTED).iterdir()):
        if note.suffix == ".new":  # not yet anything
            continue
        pid, _, started = note.read_text().partition(" ")
        running = procfs.facts_of(int(pid))
        if running is None or not started or running.started == started:
            leaders.append(int(pid))
    return tuple(leaders)


def _end(leaders: Sequence[int], groups: Sequence[Path]) -> bool:
    """Kill what is left; tell whether nothing was."""
    members = {pid for group in groups for pid in _in_control_group(group)}
    members |= {one.pid for one in procfs.everyone() if one.group in leaders}
    # PostgreSQL gives each of its processes a group of its own.
    members |= {one.pid for leader in leaders for one in procfs.family(leader)}
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not members and all(_removed(group) for group in groups)


def _in_control_group(group: Path) -> list[int]:
    pids: list[int] = []
    for path in group.glob("**/cgroup.procs"):
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in path.read_text().split()]
    return pids


def _removed(group: Path) -> bool:
    """Remove an empty control group and those in it; tell whether it is gone."""
    below = sorted((path for path in group.glob("**/") if path != group), reverse=True)
    for folder in (*below, group):
        with contextlib.suppress(OSError):  # not there, or still busy for a moment
            folder.rmdir()
    return not group.exists()


def _boot() -> str:
    """Give what tells this start of the machine from others, where the system tells."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
