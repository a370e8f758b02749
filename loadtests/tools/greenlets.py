"""The helper inside gevent workers (``scripts/twofold_greenlets.py``): asks it, and reads it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from loadtests.model.profiles.records import Frame
from loadtests.tools import procfs
from loadtests.tools.procfs.kernel_files import text_of

OFFSET = 8
"""The helper's signal, counted from the first one that is for applications (SIGRTMIN)."""

PROC = Path("/proc")

MOST_BYTES = 64 << 20
"""More than the helper writes."""

MOST_GREENLETS = 20_000
"""Of one look; more than a worker can have connections."""

NO_LOOK = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What a line raises that the helper has not written."""


@dataclass(frozen=True, kw_only=True)
class Greenlet:
    """A greenlet of a request: its frames (outermost first), and the peer of its socket."""

    frames: tuple[Frame, ...]
    running: bool
    peer: str = ""


def is_ready(pid: int) -> bool:
    """Return whether a process has the helper: it handles its signal, which else would end it."""
    return sys.platform == "linux" and bool(procfs.catches(pid, signal.SIGRTMIN + OFFSET))


def ask(pid: int) -> bool:
    """Ask a process to write its stacks once; return whether it has the helper and was asked.

    Another user's process cannot be asked.
    """
    if not is_ready(pid):  # checked each time: the process id may be another's by now
        return False
    try:
        os.kill(pid, signal.SIGRTMIN + OFFSET)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def written(pid: int) -> tuple[tuple[Greenlet, ...], ...]:
    """Return the looks that a process has written, and remove them; () where there are none."""
    name = _name(pid)
    if name is None or sys.platform != "linux":
        return ()
    try:
        data = _taken(pid, name)
    except OSError:
        return ()
    return parse(data.decode(errors="replace"))


def _taken(pid: int, name: str) -> bytes:
    """Return what a process has written into its /tmp, and remove the file.

    A container has its own /tmp, and may have put anything there. A link would lead to a file of
    this machine; a pipe would never be read to its end.
    """
    with ExitStack() as opened:

        def within(path: str, flags: int, folder: int | None = None) -> int:
            descriptor = os.open(path, flags | os.O_CLOEXEC, dir_fd=folder)
            opened.callback(os.close, descriptor)
            return descriptor

        root = within(f"{PROC}/{pid}/root", os.O_PATH | os.O_DIRECTORY)
        place = within("tmp", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, root)
        file = within(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, place)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return b""
        data = bytearray()
        while len(data) < MOST_BYTES and (piece := os.read(file, 1 << 20)):
            data += piece
        os.unlink(name, dir_fd=place)
        return bytes(data)


def parse(text: str) -> tuple[tuple[Greenlet, ...], ...]:
    """Parse the helper's lines, one a look; a last line that is not whole is left out."""
    looks = []
    for line in text.splitlines():
        with contextlib.suppress(*NO_LOOK):
            looks.append(tuple(islice(_greenlets(json.loads(line)), MOST_GREENLETS)))
    return tuple(looks)


def _greenlets(entries: Any) -> Iterator[Greenlet]:
    for entry in entries:
        frames = tuple(
            Frame(file=str(file), line=int(number), name=str(name))
            for file, number, name in entry["frames"]
        )
        greenlet = Greenlet(frames=frames, running=bool(entry["running"]), peer=str(entry["peer"]))
        yield from repeat(greenlet, int(entry["count"]))


def _name(pid: int) -> str | None:
    """Return the name of the helper's file: a process in a container has an id of its own there."""
    try:
        lines = text_of(PROC / f"{pid}/status").splitlines()
    except OSError:
        return None
    own = next((line.split()[-1] for line in lines if line.startswith("NSpid:")), str(pid))
    return f"twofold-greenlets-{own}.jsonl"
