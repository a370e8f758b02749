"""Records what a stack of processes owns on this machine, and removes it.

A stack's folder, below the system's temporary one, says what belongs to it: ``owner.json`` (the
harness, and the control groups that it is about to make) and ``started/<member>`` (written by each
member about itself before it becomes anything). So the harness's watchdog can clear it, or the next
run where both were killed.

The temporary folder belongs to everybody. So only folders count that are this user's and that only
this user can write to, and only notes that are plain files of this user. Nobody else can have a
process ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from loadtests.environments.owner import IS_PID, Owner, boot_id
from loadtests.environments.removal import Remains
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files, proc, procfs, temporary

PREFIX = "twofold-"
OWNER = "owner.json"
STARTED = "started"

CLEAR_LIMIT_S = 8.0
"""How long killed processes may take to end; a stack must be gone within 10 s."""

HALF_MADE_S = 600.0
"""Age from which a folder without a note is one whose harness died while it was made."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Who a stack belongs to, and the control groups that it was about to make."""

    owner: Owner
    groups: tuple[str, ...]


def make() -> Path:
    """Make the folder of a new stack. Its name cannot be known before it is there.

    Raises :class:`EnvironmentFailure` where the folder for temporary files cannot be written.
    """
    with files.on_disk(Path(tempfile.gettempdir()), files.TEMPORARY_WAY_OUT):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            (folder / STARTED).mkdir(mode=0o700)
            folder.chmod(0o711)  # nginx, started by root, serves as another user
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return folder


def temporary_of(folder: Path) -> Path:
    """Return the folder of the members' temporary files, which each of them has as ``TMPDIR``."""
    return folder / "tmp"


def claim(folder: Path, groups: Iterable[Path] = ()) -> None:
    """Note who owns a stack's folder, and which groups it is about to make; all of it or nothing.

    May be called again, with the groups that are known by then.
    """
    note = {
        **asdict(Owner.this_process()),
        "groups": [str(group) for group in groups],
    }
    files.write(folder / OWNER, json.dumps(note))


def remains() -> tuple[Remains, ...]:
    """Give what stacks of this user there are on this machine."""
    return tuple(
        Remains(name=str(folder), living=_may_live(folder), remove=partial(clear, folder))
        for folder in _own_folders()
    )


def abandoned() -> tuple[Path, ...]:
    """Give the folders of stacks whose harness has ended, and that nobody has cleared."""
    return tuple(folder for folder in _own_folders() if not _may_live(folder))


def clear(folder: Path) -> None:
    """End every process of a stack, then remove its control groups and its folder.

    May be called again, and by several at once. Raises :class:`EnvironmentFailure` where a process
    or a group is still there after some seconds, where the folder cannot be removed, or where its
    processes have other ids here. A folder of somebody else is left alone.
    """
    if not _is_own(folder):
        return
    note = _note(folder)
    if note is not None and note.owner.boot == boot_id():
        _check_ids(folder, note.owner)
        leaders = _leaders(folder)
        groups = [Path(group) for group in note.groups if _is_own_group(Path(group))]
        proc.wait_until(
            lambda: _end(leaders, groups, temporary_of(folder)),
            limit_s=CLEAR_LIMIT_S,
            failure=lambda: (
                f"Not all of the stack in {folder} could be ended. Process groups:"
                f" {leaders or 'none'}; control groups: {', '.join(map(str, groups)) or 'none'}."
                " Look at them with `ps -A -o pid,pgid,state,args`, and end them."
            ),
        )
    temporary.remove(folder, last=(OWNER, STARTED))  # by these, what stays is found again


def _check_ids(folder: Path, owner: Owner) -> None:
    """Raise :class:`EnvironmentFailure` where the ids of a stack's processes are others' here."""
    if owner.namespace and owner.namespace != Owner.this_process().namespace:
        raise EnvironmentFailure(
            f"The stack in {folder} is of another container, or of the machine outside of this one:"
            " its processes have other ids here, so it is left as it is. Run `twofold down` there;"
            " if that container is gone, its processes are too: remove the folder."
        )


# -- whose is it? -----------------------------------------------------------------------------


def _own_folders() -> list[Path]:
    """Give the folders of this user's stacks: those with a note, and those that never got one."""
    folders = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    # is_dir() of what lies in another user's private folder raises PermissionError.
    return [folder for folder in folders if _is_own(folder)]


def _is_own(folder: Path) -> bool:
    """Tell whether a folder is this user's, is no link, and can be written to by nobody else."""
    return all(temporary.is_own_folder(each) for each in (folder, folder / STARTED))


def _is_own_group(group: Path) -> bool:
    """Tell whether a control group is named as ours are, and is one of this user."""
    with contextlib.suppress(OSError):
        facts = group.lstat()
        return (
            group.name.startswith(PREFIX)
            and ".." not in group.parts
            and stat.S_ISDIR(facts.st_mode)
            and facts.st_uid == os.geteuid()
        )
    return False


def _read_own(path: Path) -> str | None:
    """Read a plain file of this user; None where it is a link, another's, or not there."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with os.fdopen(os.open(path, flags), encoding="utf-8") as file:
            facts = os.fstat(file.fileno())
            is_own = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid()
            return file.read() if is_own else None
    except (OSError, UnicodeDecodeError):
        return None


def _may_live(folder: Path) -> bool:
    """Tell whether the harness that made the folder may still run.

    A folder whose note cannot be read is taken for a living one's, unless it is old and has none.
    """
    note = _note(folder)
    if note is not None:
        return note.owner.may_live()
    if (folder / OWNER).exists():
        return True
    with contextlib.suppress(OSError):
        return proc.now_s() - folder.stat().st_mtime < HALF_MADE_S
    return False


def _note(folder: Path) -> Note | None:
    text = _read_own(folder / OWNER)
    if text is None:
        return None
    try:
        fields = json.loads(text)
        groups = tuple(str(group) for group in fields.pop("groups"))
        return Note(owner=Owner(**fields), groups=groups)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _leaders(folder: Path) -> tuple[int, ...]:
    """Return the process groups of the stack's members, but none whose id was reused later."""
    leaders = []
    for path in sorted((folder / STARTED).iterdir()):
        if path.suffix == ".new":  # not yet anything
            continue
        pid, _, started = (_read_own(path) or "").partition(" ")
        if not IS_PID.fullmatch(pid) or int(pid) <= 1:
            continue
        running = procfs.facts_of(int(pid))
        if running is None or not started or running.started == started:
            leaders.append(int(pid))
    return tuple(leaders)


# -- the end ----------------------------------------------------------------------------------


def _end(leaders: Sequence[int], groups: Sequence[Path], place: Path) -> bool:
    """Kill the processes that are left; return whether all processes and groups are gone."""
    everyone = procfs.everyone()
    members = {pid for group in groups for pid in _in_control_group(group)}
    members |= {process.pid for process in everyone if process.group in leaders}
    # PostgreSQL gives each of its processes a group of its own.
    members |= {process.pid for leader in leaders for process in procfs.family(leader)}
    # A daemon has left its group and its parent, and began with its member's variables.
    members |= {process.pid for process in everyone if _began_in(place, process.pid)}
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not members and all(_removed(group) for group in groups)


def _began_in(place: Path, pid: int) -> bool:
    """Tell whether a process is this user's, and began with a stack's temporary folder."""
    try:
        is_own = (procfs.PROC / str(pid)).stat().st_uid == os.geteuid()
    except OSError:  # it has ended, or this system has no /proc
        return False
    return is_own and pid != os.getpid() and procfs.environment_of(pid).get("TMPDIR") == str(place)


def _in_control_group(group: Path) -> list[int]:
    pids: list[int] = []
    for path in group.glob("**/cgroup.procs"):
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in path.read_text(encoding="utf-8").split()]
    return pids


def _removed(group: Path) -> bool:
    """Remove an empty control group and its subgroups; return whether it is gone."""
    below = sorted((path for path in group.glob("**/") if path != group), reverse=True)
    for folder in (*below, group):
        with contextlib.suppress(OSError):  # already removed, or still busy
            folder.rmdir()
    return not group.exists()
