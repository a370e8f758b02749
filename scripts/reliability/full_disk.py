"""A disk that is full from the n-th write on, for one folder of this process.

Every way by which Python writes is counted: a new file, data, and the sync to disk. What fits of
the data that fails is written, as on a real disk, so that a file is torn in the middle.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WRITES = frozenset("wax+")


@dataclass
class FullDisk:
    """Counts the writes below ``folder``, and fails all from number ``first`` on; 0 for none."""

    folder: Path
    first: int = 0
    count: int = 0
    failed: list[str] = field(default_factory=list)
    """What was written to by those that failed."""

    def is_below(self, path: object) -> bool:
        """Return whether a path is below the folder; a descriptor that is open is none."""
        return isinstance(path, str | os.PathLike) and Path(path).is_relative_to(self.folder)

    def write(self, what: object) -> None:
        """Count a write; raise the system's error if the disk is full by now."""
        self.count += 1
        if self.first and self.count >= self.first:
            self.failed.append(str(what))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _File(io.FileIO):
    """A file on such a disk."""

    def __init__(self, disk: FullDisk, path: Any, mode: str, opener: Any) -> None:
        self._disk = disk
        if not Path(path).exists():
            disk.write(path)
        super().__init__(path, mode, opener=opener)

    def write(self, data: Any, /) -> int:
        """Write all of it, or half of it and fail."""
        view = memoryview(data).cast("B")
        try:
            self._disk.write(self.name)
        except OSError:
            super().write(view[: len(view) // 2])
            raise
        return super().write(view)


def install(patches: pytest.MonkeyPatch, folder: Path, first: int = 0) -> FullDisk:
    """Let this process write to such a disk below ``folder`` from now on."""
    disk = FullDisk(folder=folder.absolute(), first=first)
    opened = _opened(disk)
    patches.setattr(builtins, "open", opened)
    patches.setattr(io, "open", opened)
    patches.setattr(os, "open", _made(disk))
    patches.setattr(os, "fsync", _synced(disk))
    return disk


def _opened(disk: FullDisk) -> Callable[..., Any]:
    own = io.open

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: FBT001, FBT002  the builtin's own
        opener: Any = None,
    ) -> Any:
        if not (WRITES & set(mode)) or not disk.is_below(file):
            return own(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _File(disk, file, mode.replace("b", "").replace("t", ""), opener)
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline)

    return opened


def _made(disk: FullDisk) -> Callable[..., int]:
    own = os.open

    def made(path: Any, flags: int, *words: Any, **more: Any) -> int:
        if flags & os.O_CREAT and disk.is_below(path):
            disk.write(path)
        return own(path, flags, *words, **more)

    return made


def _synced(disk: FullDisk) -> Callable[[Any], None]:
    own = os.fsync

    def synced(file: Any) -> None:
        descriptor = file if isinstance(file, int) else file.fileno()
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        # The sync of a folder may fail on any file system, and nobody has to say so.
        if disk.is_below(path) and stat.S_ISREG(os.fstat(descriptor).st_mode):
            disk.write(path)
        own(file)

    return synced
