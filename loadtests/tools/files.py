"""Writes files so that they are on disk as a whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure

EVERYBODY_READS = 0o644
ONLY_OWNER = 0o600

TEMPORARY_WAY_OUT = "TMPDIR=DIR"
"""The variable that names another place for temporary files."""

NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})
"""How file systems answer that know no locks, such as Lustre, and NFS without its lock service."""

BLOCK_BYTES = 1 << 16

WAY_OUT = "--out DIR"
"""The option that names another place for most files."""


@contextmanager
def on_disk(path: Path, way_out: str = WAY_OUT) -> Iterator[None]:
    """Turn an OSError of a write in this block into :class:`EnvironmentFailure`.

    ``way_out`` is the option that names another place, for the message.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be written ({error.strerror}). Free some space, or name another place:"
            f" {way_out}. What was finished before is kept."
        ) from error


@contextmanager
def replacing(path: Path, *, way_out: str = WAY_OUT, mode: int = EVERYBODY_READS) -> Iterator[Path]:
    """Yield a temporary file that replaces ``path`` when the block succeeds; else remove it.

    Until then only its owner can read it. It is on disk, with its name, when the block has ended.
    """
    with on_disk(path, way_out):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(mode)
            os.fsync(descriptor)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        sync_folder(path.parent)


def write(path: Path, data: str | bytes, *, mode: int = EVERYBODY_READS) -> Path:
    """Write a file completely or not at all, and return its path."""
    with replacing(path, mode=mode) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def append_line(path: Path, line: bytes, *, way_out: str = WAY_OUT) -> None:
    """Append a line of JSON to a file; it is on disk, or nothing is, when this ends.

    If the last line was cut off when its writer ended, it is removed first.
    """
    with on_disk(path, way_out):
        is_new = not path.exists()
        # Without a buffer: closing it would write once more what did not fit.
        # At its end, wherever that is by then: without locks, others may have written meanwhile.
        with path.open("ab+", buffering=0) as file:
            _lock(file)  # two gates may write to one history
            size = _mended_size(file)
            try:
                _write_all(file, line.rstrip(b"\n") + b"\n")
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file.fileno(), size)
                raise
        if is_new:
            sync_folder(path.parent)


def _lock(file: FileIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def read_plain(path: Path) -> bytes:
    """Return the content of a plain file.

    Raises ``OSError`` for any other, such as a FIFO or a device: reading it might never end.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        return file.read()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def whole_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file of JSON lines, without a last one that was cut off."""
    lines = data.splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n") and not _is_json(lines[-1]):
        lines.pop()
    return [line for line in lines if line.strip()]


def _write_all(file: FileIO, data: bytes) -> None:
    """Write all of it; the system may take less at a time, as on a disk that is almost full."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _mended_size(file: FileIO) -> int:
    """Return the size of the whole lines, after their mending.

    A last line that only lacks its line end is ended, and one that was cut off is removed.
    """
    size = file.seek(0, os.SEEK_END)
    tail = b""
    start = size
    while start > 0 and b"\n" not in tail:
        start = max(0, start - BLOCK_BYTES)
        file.seek(start)
        tail = file.read(size - start)
    last = tail.rpartition(b"\n")[2]
    if last and _is_json(last):
        file.write(b"\n")
        return size + 1
    if last:
        file.truncate(size - len(last))
    return size - len(last)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk; some file systems cannot."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
