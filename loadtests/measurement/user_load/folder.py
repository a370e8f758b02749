"""Packs the folder of a locustfile, or the files of uploads, for a generator in a container."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from loadtests.model.errors import UsageError

MOST_BYTES = 64 * 1024 * 1024
"""Limit for all files together: they lie in the memory of the generator's container."""

MOST_FILES = 5_000

PART_BYTES = 256 * 1024
"""Largest part in one line of the protocol."""

LEFT_OUT = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache", ".idea", ".vscode"),
    }
)
"""Folders that no locustfile reads."""

LARGEST_NAMED = 3
"""Entries of a folder that a message names."""


OWN_FOLDER = "Put the locustfile and its data into a folder of their own."


def pack_folder(folder: Path, subject: str = "", advice: str = OWN_FOLDER) -> tuple[bytes, ...]:
    """Return the parts of a compressed tar file with the files of ``folder``.

    Raises :class:`UsageError` if there are too many, or too large ones; ``subject`` is what the
    message calls the folder, and ``advice`` the way out. Files that this user cannot read are left
    out: no locustfile can read them.
    """
    files = list(files_in(folder))
    sizes = {path: size_of(path) for path in files}
    if sum(sizes.values()) > MOST_BYTES or len(files) > MOST_FILES:
        raise UsageError(too_much(folder, sizes, subject or f"The folder {folder} has", advice))
    return packed((path, path.relative_to(folder).as_posix()) for path in files)


def pack_files(paths: Iterable[Path]) -> tuple[bytes, ...]:
    """Return the parts of a compressed tar file with single files, numbered in their order."""
    files = list(paths)
    sizes = {path: size_of(path) for path in files}
    if sum(sizes.values()) > MOST_BYTES:
        largest = max(sizes, key=lambda path: sizes[path])
        raise UsageError(
            f"The files of the requests have {megabytes(sum(sizes.values()))}, and the load"
            f" generator takes {megabytes(MOST_BYTES)}. The largest is {largest}."
        )
    return packed((path, placed_name(number, path)) for number, path in enumerate(files))


def placed_name(number: int, path: Path) -> str:
    """Return the name of a single file where it is sent to."""
    return f"{number}/{path.name}"


def packed(files: Iterable[tuple[Path, str]]) -> tuple[bytes, ...]:
    """Return the parts of a compressed tar file with ``files`` and their names in it."""
    buffer = io.BytesIO()
    # Links are followed: what they lead to may lie outside of the folder.
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1, dereference=True) as archive:
        for path, name in files:
            with suppress(PermissionError):
                archive.add(path, arcname=name, recursive=False, filter=readable)
    content = buffer.getvalue()
    return tuple(
        content[start : start + PART_BYTES] for start in range(0, len(content), PART_BYTES)
    )


def readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the entry of an archive, readable and without its owner."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def files_in(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the regular files below ``folder``, without those of tools.

    Links are followed, but for those to a folder ``above``.
    """
    above |= {folder.resolve()}
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            is_of_tools = path.name in LEFT_OUT or (path / "pyvenv.cfg").exists()
            if not is_of_tools and path.resolve() not in above and os.access(path, os.R_OK):
                yield from files_in(path, above)
        elif path.is_file():
            yield path


def size_of(path: Path) -> int:
    """Return the bytes of a file; 0 for one that is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def too_much(folder: Path, sizes: dict[Path, int], subject: str, advice: str) -> str:
    """Return the message about a folder that is too large, with its largest entries."""
    entries: dict[str, int] = {}
    for path, size in sizes.items():
        name = path.relative_to(folder).parts[0]
        entries[name] = entries.get(name, 0) + size
    largest = sorted(entries, key=lambda name: -entries[name])[:LARGEST_NAMED]
    named = ", ".join(f"{name} ({megabytes(entries[name])})" for name in largest)
    return (
        f"{subject} {len(sizes)} files with"
        f" {megabytes(sum(sizes.values()))}, and the load generator takes {MOST_FILES} with"
        f" {megabytes(MOST_BYTES)}. {advice} The largest: {named}."
    )


def megabytes(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1024 / 1024:.0f} MiB"
