"""The files below a folder that processes have open for writing, from ``/proc``."""

from __future__ import annotations

import os
from pathlib import Path

from loadtests.tools import procfs
from loadtests.tools.procfs.kernel_files import text_of


def written_below(folder: Path, pid: int) -> tuple[str, ...]:
    """Return the files below a folder that a process or a descendant has open for writing."""
    found: dict[str, None] = {}
    for process in procfs.family(pid):
        found |= dict.fromkeys(_written_by(process.pid))
    below = f"{folder}{os.sep}"
    return tuple(path for path in found if path.startswith(below))


def _written_by(pid: int) -> list[str]:
    paths = []
    try:
        entries = list((procfs.PROC / f"{pid}/fd").iterdir())
    except OSError:  # it has ended, or this system has no /proc
        return []
    for entry in entries:
        try:
            path, info = (
                str(entry.readlink()),
                text_of(procfs.PROC / f"{pid}/fdinfo/{entry.name}"),
            )
        except OSError:
            continue
        if path.startswith("/") and not path.endswith(" (deleted)") and is_writing(info):
            paths.append(path)
    return paths


def is_writing(info: str) -> bool:
    """Return whether a file is open for writing, by the text of its ``fdinfo``."""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return bool(int(fields.get("flags", "0").strip(), 8) & (os.O_WRONLY | os.O_RDWR))
