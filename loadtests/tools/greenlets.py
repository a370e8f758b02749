"""The helper inside gevent workers (``scripts/twofold_greenlets.py``): asks it, and reads it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.profiles.records import Frame
from loadtests.tools import procfs

OFFSET = 8
"""The helper's signal, counted from the first one that is for applications (SIGRTMIN)."""

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Greenlet:
    """A greenlet of a request: its frames (outermost first), and the peer of its socket."""

    frames: tuple[Frame, ...]
    running: bool
    peer: str = ""


def is_ready(pid: int) -> bool:
    """Return whether a process has the helper: it handles its signal, which else would end it."""
    return sys.platform == "linux" and bool(procfs.catches(pid, signal.SIGRTMIN + OFFSET))


def ask(pid: int) -> None:
    """Ask a process that ``is_ready`` to write its stacks once."""
    if is_ready(pid):  # checked each time: the process id may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGRTMIN + OFFSET)


def written(pid: int) -> tuple[tuple[Greenlet, ...], ...]:
    """Return the looks that a process has written, and remove them; () where there are none."""
    path = _file(pid)
    if path is None:
        return ()
    try:
        text = path.read_text()
        path.unlink()
    except OSError:
        return ()
    return parse(text)


def parse(text: str) -> tuple[tuple[Greenlet, ...], ...]:
    """Parse the helper's lines, one a look; a last line that is not whole is left out."""
    looks = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            looks.append(
                tuple(
                    Greenlet(
                        frames=tuple(
                            Frame(file=str(file), line=int(number), name=str(name))
                            for file, number, name in entry["frames"]
                        ),
                        running=bool(entry["running"]),
                        peer=str(entry["peer"]),
                    )
                    for entry in json.loads(line)
                    for _ in range(int(entry["count"]))
                )
            )
    return tuple(looks)


def _file(pid: int) -> Path | None:
    """Return the helper's file, as seen from here: a container has its own /tmp and its own ids."""
    try:
        lines = (PROC / f"{pid}/status").read_text().splitlines()
    except OSError:
        return None
    own = next((line.split()[-1] for line in lines if line.startswith("NSpid:")), str(pid))
    return PROC / f"{pid}/root/tmp/twofold-greenlets-{own}.jsonl"
