"""The files that processes run, of ``/proc/PID/exe`` (proc(5))."""

from __future__ import annotations

from loadtests.tools.procfs import PROC


def program_of(pid: int) -> str | None:
    """Return the name of the file that a process runs, links followed; None: not known here."""
    try:
        return (PROC / f"{pid}/exe").readlink().name
    except OSError:  # it is gone, somebody else's, or this is no Linux
        return None
