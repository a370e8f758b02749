"""Prepares its own process, then executes a member's program in it. Run by path, stdlib only.

``python -I -S launch.py '<json>'`` first writes its process id to a file, for a later clean-up. It
asks to be killed when its parent ends, joins its control groups and cores, and then executes the
program. The harness cannot do this between fork and exec: with several threads, running Python
code there is not safe. This process has only one.
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
"""Option of ``prctl(2)``: the signal a process gets when the thread that started it ends."""


def main(text: str) -> None:
    """Execute the job in ``text``, a JSON object.

    ``note`` is the file for the process id, ``parent`` the id of the expected parent, ``join`` the
    control groups' files for process ids, ``cores`` the cores and ``argv`` the command.
    """
    job: dict[str, Any] = json.loads(text)
    note = Path(job["note"])
    note.with_suffix(".new").write_text(f"{os.getpid()} {_started()}", encoding="utf-8")
    note.with_suffix(".new").rename(note)
    _die_with(job["parent"])
    for path in job["join"]:
        Path(path).write_text(str(os.getpid()), encoding="utf-8")
    if job["cores"]:
        os.sched_setaffinity(0, job["cores"])
    _open_many_files()
    os.execvp(job["argv"][0], job["argv"])  # noqa: S606  it must keep this process id


def _started() -> str:
    """Return this process's start time, which no later process with its id has; "" if unknown."""
    with contextlib.suppress(OSError):
        return (
            Path("/proc/self/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(") ")[2]
            .split()[19]
        )
    return ""


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before prctl took effect
        sys.exit("The harness has ended.")


def _open_many_files() -> None:
    """Raise the limit of open files as far as allowed; 1024 is too few for the connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    with contextlib.suppress(ValueError, OSError):  # macOS allows less than its hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    main(sys.argv[1])
