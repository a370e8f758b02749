"""Temporary folders that no killed process leaves for ever.

A shell beside the maker of a folder removes it as soon as the maker ends, however it ends. Where
that is killed, too, whoever comes next does it: the maker locks the folder, and the kernel lets the
lock go at its end.

The system's temporary folder belongs to everybody. So only folders count that are this user's, are
no links, and can be written to by nobody else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files, proc

PREFIX = "twofold-temporary-"
"""How the folders are called; no other folder is, so that no other is removed."""

GUARD = 'trap "" HUP INT TERM; cat >/dev/null; exec rm -rf -- "$0"'
"""Waits for the end of its standard input, which only the maker holds open."""

TRIES = 100
"""How often a folder is gone through while somebody else removes what is in it."""


@contextmanager
def folder(purpose: str) -> Iterator[Path]:
    """Provide a new folder that only this user can enter, and remove it at the end of the block.

    ``purpose`` is a word for its name. Folders of dead makers are removed first. What cannot be
    removed is left to ``twofold down``, which says why.
    """
    remove_abandoned()
    with files.on_disk(Path(tempfile.gettempdir()), files.TEMPORARY_WAY_OUT):
        path, lock = _made(purpose)
    guard = _guard_of(path)
    try:
        yield path
    finally:
        with suppress(EnvironmentFailure):
            remove(path)
        if guard is not None:
            guard.close()
        os.close(lock)


def _guard_of(path: Path) -> proc.Child | None:
    """Start what removes a folder at the end of this process; None where that is impossible."""
    with suppress(EnvironmentFailure):
        return proc.Child(
            ("sh", "-c", GUARD, str(path)), log=Path(os.devnull), env=proc.NOT_OF_THIS_JOB
        )
    return None


def _made(purpose: str) -> tuple[Path, int]:
    """Return a new folder, and the descriptor that holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
        with suppress(FileNotFoundError):  # taken for a dead maker's before it was locked
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            with suppress(OSError):  # some file systems know no locks, and nobody can take it then
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(path, lock):
                return path, lock
            os.close(lock)


# -- what dead makers have left ---------------------------------------------------------------


def abandoned() -> tuple[Path, ...]:
    """Return the folders of this user whose makers have ended."""
    return tuple(path for path in _all() if _is_abandoned(path))


def remove_abandoned() -> tuple[str, ...]:
    """Remove the folders of dead makers; return why others could not be removed."""
    failures = []
    for path in _all():
        try:
            remove_if_abandoned(path)
        except EnvironmentFailure as failure:
            failures.append(str(failure))
    return tuple(failures)


def remove_if_abandoned(path: Path) -> None:
    """Remove a folder unless its maker lives, or it is another user's.

    Raises :class:`EnvironmentFailure` where it cannot be removed.
    """
    with _taken(path) as is_taken:
        if is_taken:
            remove(path)


def _all() -> Iterable[Path]:
    with suppress(OSError):  # no folder for temporary files at all
        return sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    return ()


def _is_abandoned(path: Path) -> bool:
    with _taken(path) as is_taken:
        return is_taken


@contextmanager
def _taken(path: Path) -> Iterator[bool]:
    """Hold the lock of a folder in this block; tell whether it is a dead maker's of this user."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # a link, no folder, another user's, or already removed
        yield False
        return
    try:
        yield is_own_folder(path) and _locks(lock) and _is_at(path, lock)
    finally:
        os.close(lock)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its maker lives, or the file system knows no locks
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether the path still names the open folder."""
    with suppress(OSError):
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    return False


def is_own_folder(path: Path) -> bool:
    """Return whether a path is a folder of this user, no link, that nobody else can write to."""
    try:
        facts = path.lstat()
    except OSError:
        return False
    others_may_write = bool(facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not others_may_write


# -- the removal ------------------------------------------------------------------------------


def remove(path: Path, *, last: Sequence[str] = ()) -> None:
    """Remove a folder with all that is in it; the names in ``last`` go last, in this order.

    Folders that are closed for their own user are opened. Several may call it at once. Raises
    :class:`EnvironmentFailure` where something stays; then those in ``last`` stay as well.
    """
    is_opened = False
    for _ in range(TRIES):
        try:
            _remove_in_order(path, last)
        except FileNotFoundError:  # somebody else removes it, too
            pass
        except OSError as error:
            if is_opened:
                raise EnvironmentFailure(
                    f"{path} cannot be removed ({error.strerror}: {error.filename or path}). Remove"
                    " it yourself; as root, where another user has written into it."
                ) from error
            _open_up(path)
            is_opened = True
        if not os.path.lexists(path):
            return
    raise EnvironmentFailure(f"{path} cannot be removed: it is never empty. Remove it yourself.")


def _remove_in_order(path: Path, last: Sequence[str]) -> None:
    others = sorted({part.name for part in path.iterdir()} - set(last))
    for part in (path / name for name in (*others, *last)):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        elif os.path.lexists(part):
            part.unlink()
    path.rmdir()


def _open_up(path: Path) -> None:
    """Give this user every right on its folders below a path; links are not followed."""
    with suppress(OSError):
        path.chmod(stat.S_IRWXU)
    for above, names, _ in os.walk(path):  # goes into a folder after it was opened
        for name in names:
            place = Path(above, name)
            with suppress(OSError):
                if not place.is_symlink():
                    place.chmod(stat.S_IRWXU)
