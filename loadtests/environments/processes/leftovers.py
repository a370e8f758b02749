"""Records what a stack of processes owns on this machine, and removes it.

The stack's folder, in the system's temporary folder, lists what belongs to it. ``owner.json`` names
the harness and the control groups that it is about to create. Each member writes its process id to
``started/<member>`` before it executes its program. So the watchdog can remove everything; if the
watchdog was killed too, the next run does.
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
"""How long killed processes may take to end; a stack must be gone within 10 s."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The owner of a stack: the harness's process and the boot of the machine it runs in."""

    pid: int
    started: str
    boot: str
    groups: tuple[str, ...]


def place(name: str) -> Path:
    """Return the path of a stack's folder, whether it exists or not."""
    return Path(tempfile.gettempdir()) / name


def claim(folder: Path, groups: Iterable[Path]) -> None:
    """Create the folder of a new stack, and record its owner and its future control groups."""
    own = procfs.facts_of(os.getpid())
    owner = Owner(
        pid=os.getpid(),
        started=own.started if own else "",
        boot=_boot(),
        groups=tuple(str(group) for group in groups),
    )
    (folder / STARTED).mkdir(parents=True)
    folder.chmod(0o711)  # nginx, if started by root, runs its workers as another user
    (folder / OWNER).write_text(json.dumps(asdict(owner)))


def abandoned() -> tuple[Path, ...]:
    """Return the folders of stacks that still exist although their harness has ended."""
    return tuple(path.parent for path in _owned_by_user() if not _is_owned(path.parent))


def remove_all(say: Callable[[str], None]) -> int:
    """Clear this user's stacks, also those of running harnesses; return how many there were."""
    folders = [path.parent for path in _owned_by_user()]
    for folder in folders:
        say(f"Removing {folder}")
        clear(folder)
    return len(folders)


def clear(folder: Path) -> None:
    """End every process of a stack, then remove its control groups and its folder.

    Calling it again, or from several processes at once, is safe. Raises
    :class:`EnvironmentFailure` if a process or a group still exists after ``CLEAR_LIMIT_S``.
    """
    owner = _owner(folder)
    if owner is not None and owner.boot == _boot():
        leaders = _leaders(folder)
        groups = [Path(group) for group in owner.groups]
        proc.wait_until(
            lambda: _end(leaders, groups),
            limit_s=CLEAR_LIMIT_S,
            failure=lambda: (
                f"The stack in {folder} did not end in {CLEAR_LIMIT_S:g} s. Its process groups:"
                f" {leaders or 'none'}; its control groups: {', '.join(owner.groups) or 'none'}."
                " List them with `ps -A -o pid,pgid,state,args`, and end them."
            ),
        )
    shutil.rmtree(folder, ignore_errors=True)


def _owned_by_user() -> list[Path]:
    """Return the ``owner.json`` files of this user's stacks."""
    notes = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"))
    return [note for note in notes if note.stat().st_uid == os.geteuid()]


def _is_owned(folder: Path) -> bool:
    """Return whether the harness that created the folder still runs."""
    owner = _owner(folder)
    if owner is None or owner.boot != _boot():
        return False
    running = procfs.facts_of(owner.pid)
    return running is not None and running.started == owner.started


def _owner(folder: Path) -> Owner | None:
    try:
        fields = json.loads((folder / OWNER).read_text())
        return Owner(**{**fields, "groups": tuple(fields["groups"])})
    except (OSError, ValueError, TypeError, KeyError):  # already removed, or half written
        return None


def _leaders(folder: Path) -> tuple[int, ...]:
    """Return the process groups of the stack's members, but none whose id was reused later."""
    leaders = []
    for note in sorted((folder / STARTED).iterdir()):
        if note.suffix == ".new":  # the member has not executed its program yet
            continue
        pid, _, started = note.read_text().partition(" ")
        running = procfs.facts_of(int(pid))
        if running is None or not started or running.started == started:
            leaders.append(int(pid))
    return tuple(leaders)


def _end(leaders: Sequence[int], groups: Sequence[Path]) -> bool:
    """Kill the processes that are left; return whether all processes and groups are gone."""
    members = {pid for group in groups for pid in _in_control_group(group)}
    members |= {process.pid for process in procfs.everyone() if process.group in leaders}
    # PostgreSQL puts each of its processes in its own process group.
    members |= {process.pid for leader in leaders for process in procfs.family(leader)}
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
    """Remove an empty control group and its subgroups; return whether it is gone."""
    below = sorted((path for path in group.glob("**/") if path != group), reverse=True)
    for folder in (*below, group):
        with contextlib.suppress(OSError):  # already removed, or still busy
            folder.rmdir()
    return not group.exists()


def _boot() -> str:
    """Return the id of this boot of the machine; "" if the system has none."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
