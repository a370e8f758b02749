"""Files that servers write for themselves. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from loadtests.analysis import remedies
from loadtests.analysis.consistency.judgement import Asked
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState

PASSING = re.compile(
    r"^/(proc|sys|dev|run|var/run|var/lock|var/cache)(/|$)"
    r"|/(__pycache__|\.cache|\.pytest_cache|site-packages|nginx)(/|$)"
    r"|^/(root|home/[^/]+)$"
    r"|\.(pyc|pyo|log|pid|sock|lock|swp)$|/\.[^/]*history$|/wgunicorn-|/prometheus[^/]*$"
)
"""Paths of caches, sockets, logs and the like: nobody reads them on another server."""

DATABASE = re.compile(r"\.(db|sqlite3?|sdb|db3|mdb|rdb)(-(wal|shm|journal))?$", re.IGNORECASE)

SIDE_FILE = re.compile(r"-(wal|shm|journal)$")

MOST_NAMED = 3


def kept(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files that hold something: databases first, without folders and what passes."""
    folders = {parent for path in paths for parent in _parents(path)}
    files = [
        path
        for path in paths
        if path not in folders and not PASSING.search(path) and not SIDE_FILE.search(path)
    ]
    return tuple(sorted(files, key=lambda path: (not DATABASE.search(path), path)))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def note(asked: Asked, written: Mapping[str, Sequence[str]], *, shared: bool) -> ProbeResult | None:
    """Return a note on the files that each server wrote; None where there are none.

    ``shared`` says that all servers see the same files, because they run on one machine.
    """
    named = tuple(dict.fromkeys(path for paths in written.values() for path in kept(paths)))
    if not named:
        return None
    who = ", ".join(server for server, paths in written.items() if kept(paths))
    listed = _listed(named)
    detail = (
        f"{who} keep {listed} open, which they share on this machine alone: on two machines each"
        " has its own."
        if shared
        else f"Each server writes files of its own: {listed} ({who})."
    )
    is_database = any(DATABASE.search(path) for path in named)
    return asked.result(
        ProbeKind.FILES,
        "files",
        ProbeState.NOTE,
        detail,
        remedy=remedies.FILE.advice if is_database else "",
    )


def named_in(
    results: Sequence[ProbeResult], written: Mapping[str, Sequence[str]]
) -> tuple[ProbeResult, ...]:
    """Return results in which what was written and is not there comes with the database's file."""
    databases = tuple(
        dict.fromkeys(
            path for paths in written.values() for path in kept(paths) if DATABASE.search(path)
        )
    )
    if not databases:
        return tuple(results)
    sentence = f"Each server keeps {_listed(databases)} for itself."
    return tuple(
        replace(result, detail=f"{result.detail} {sentence}", remedy=remedies.FILE.advice)
        if result.state is ProbeState.BREAKS and result.kind is ProbeKind.WRITTEN
        else result
        for result in results
    )


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more
