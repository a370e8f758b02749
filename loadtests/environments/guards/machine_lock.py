"""Lets one run at a time measure on a machine.

Two runs at once would each measure the other. So a run holds a lock on a file in a folder that all
users share. The kernel releases it when the process ends, however it ends. The file says who holds
it; that is for messages only, since every user can write it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc, procfs

FOLDERS = (Path("/run/lock"), Path("/tmp"))  # noqa: S108  a file that is there must be safe to use
"""The first that every user can write to is used, so that all users use the same."""

FOLDER_VARIABLE = "TWOFOLD_LOCK_FOLDER"
"""Names another folder, such as one that several containers of a machine share."""

AGAIN_S = 0.5
MOST_NOTE_BYTES = 2000

STRANGE_NOTE = (OSError, ValueError, TypeError, RecursionError, OverflowError)
"""What the lock's file raises as it is read: every user can write anything into it."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who measures, since when (UTC), and the folder of its run."""

    pid: int
    user: str
    since: str
    folder: str = ""

    def __str__(self) -> str:
        """Return a phrase for a message."""
        where = f" in {self.folder}" if self.folder else ""
        return f"process {self.pid} of {self.user}{where}, since {self.since}"


class Held:
    """The lock while it is held."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._since = f"{datetime.fromtimestamp(proc.now_s(), UTC):%H:%M:%S} UTC"

    def note(self, folder: Path | None = None) -> None:
        """Write down who holds the lock, and in which folder its results are."""
        holder = Holder(
            pid=os.getpid(),
            user=_user(),
            since=self._since,
            folder=str(folder.resolve()) if folder else "",
        )
        with contextlib.suppress(OSError):  # not every user may write it, and the disk may be full
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode(), 0)


@contextmanager
def held(scope: str, say: Say, *, wait: bool) -> Iterator[Held]:
    """Hold the lock of this machine, or of the engine ``scope`` on another one, in this block.

    Waits while another run holds it, and says which. Without ``wait``, raises
    :class:`EnvironmentFailure` instead.
    """
    path = _path(scope)
    descriptor = _locked(path, lambda: _told_once(path, say), wait=wait)
    try:
        lock = Held(descriptor)
        lock.note()
        yield lock
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def measured_now() -> Path | None:
    """Return the folder of the run that measures on this machine now, or None.

    That is a hint: it is what the lock's file says, and every user can write that.
    """
    try:
        holder = _note_in(_path(""))
        is_there = procfs.facts_of(int(holder.pid)) is not None
        return Path(holder.folder) if holder.folder and is_there else None
    except (*STRANGE_NOTE, EnvironmentFailure):
        return None


def _locked(path: Path, waiting: Callable[[], Callable[[], None]], *, wait: bool) -> int:
    """Return the descriptor of the locked file."""
    tell = waiting()
    while True:
        descriptor = _open(path)
        try:
            if _lock(descriptor, path) and _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not wait:
            raise EnvironmentFailure(
                f"Another run measures on this machine: {_holder(path)}. Two at once would measure"
                " each other. Wait for it (without --no-wait), or end it."
            )
        tell()
        proc.sleep(AGAIN_S)


def _told_once(path: Path, say: Say) -> Callable[[], None]:
    """Return a function that says for whom this run waits, whenever that changes."""
    last = ""

    def tell() -> None:
        nonlocal last
        holder = _holder(path)
        if holder != last:
            say(f"Waiting for another run on this machine: {holder}. Ctrl-C ends the waiting.")
            last = holder

    return tell


def _path(scope: str) -> Path:
    mark = f"-{hashlib.sha256(scope.encode()).hexdigest()[:12]}" if scope else ""
    return _folder() / f"twofold{mark}.lock"


def _folder() -> Path:
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    for folder in FOLDERS:
        with contextlib.suppress(OSError):
            if folder.stat().st_mode & stat.S_IWOTH:
                return folder
    raise EnvironmentFailure(
        f"No folder for the lock of this machine: neither {FOLDERS[0]} nor {FOLDERS[1]} can be"
        f" written by all users. Name one: {FOLDER_VARIABLE}=FOLDER."
    )


def _open(path: Path) -> int:
    """Open the lock's file, made if necessary; refuse what is no plain file with one name."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = _open_or_make(path, flags)
    except OSError as error:
        raise _unusable(path, os.strerror(error.errno or errno.EIO)) from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        os.close(descriptor)
        raise _unusable(path, "it is no plain file")
    return descriptor


def _open_or_make(path: Path, flags: int) -> int:
    # Without O_CREAT where it is there: the kernel may refuse that for another user's file.
    with contextlib.suppress(FileNotFoundError):
        try:
            return os.open(path, flags | os.O_RDWR)
        except PermissionError:
            return os.open(path, flags | os.O_RDONLY)  # enough to lock it
    try:
        descriptor = os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:  # another run made it in this moment
        return os.open(path, flags | os.O_RDWR)
    os.fchmod(descriptor, 0o666)  # whatever the umask is: the next run may be another user's
    return descriptor


def _unusable(path: Path, why: str, way_out: str = "Remove it, or name") -> EnvironmentFailure:
    return EnvironmentFailure(
        f"The lock of this machine, {path}, cannot be used ({why}). {way_out} another folder for"
        f" it: {FOLDER_VARIABLE}=FOLDER."
    )


def _lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # its file system knows no locks
        raise _unusable(path, os.strerror(error.errno or errno.EIO), "Name") from error
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether the path still names the open file; somebody may have removed it."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    return False


def _holder(path: Path) -> str:
    """Return who holds the lock, as far as it can be read."""
    try:
        return str(_note_in(path))
    except STRANGE_NOTE:
        return f"an unknown one (`fuser {path}` shows it)"


def _note_in(path: Path) -> Holder:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return Holder(**json.loads(file.read(MOST_NOTE_BYTES)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.geteuid())
