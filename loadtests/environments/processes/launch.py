"""Turns itself into a member of the stack: run by path, with the standard library alone.

``python -I -S launch.py '<json>'`` notes its process id, so that whoever clears up later knows of
it before it does anything; joins its control groups and its cores; asks to be killed with the
process that started it; and then becomes the program. Doing this here, in a process with one
thread, spares the harness code between fork and exec, which is not safe beside threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
"""``prctl(2)``: the signal that a process gets when the thread that started it ends."""


def main(text: str) -> None:
    """Do what the JSON says: ``note``, ``parent``, ``join``, ``cores``, ``argv``."""
    wanted: dict[str, Any] = json.loads(text)
    note = Path(wanted["note"])
    note.with_suffix(".new").write_text(f"{os.getpid()} {_started()}")
    note.with_suffix(".new").rename(note)
    _die_with(wanted["parent"])
    for path in wanted["join"]:
        Path(path).write_text(str(os.getpid()))
    if wanted["cores"]:
        os.sched_setaffinity(0, wanted["cores"])
    _open_many_files()
    os.execvp(wanted["argv"][0], wanted["argv"])  # noqa: S606  becoming it is the point


def _started() -> str:
    """Give what tells this process from a later one with its id, where the system tells."""
    with contextlib.suppress(OSError):
        return Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
    return ""


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked for
        sys.exit("The harness has ended.")


def _open_many_files() -> None:
    """Raise the limit of open files to what may be had: 1024 is fewer than the connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(sys.argv[1])
