"""Shows Twofold what the greenlets of a gevent worker wait for. Copy it beside your application.

From outside, only the greenlet that runs can be seen. With this file, a worker writes the stacks of
its requests' greenlets when it gets a signal, and does nothing otherwise. Choose it by an
option of the variant, in Twofold's configuration:

    [variants.gevent]
    server = "gunicorn"
    worker = "gevent"
    options = ["--config", "twofold_greenlets.py"]

or, where gunicorn has a configuration file already, call it there:

    from twofold_greenlets import post_worker_init

It needs nothing but gevent, and never leaves the measured process.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import signal
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

SIGNAL = signal.SIGRTMIN + 8
FOLDER = "/tmp"  # noqa: S108  the harness looks for it there, in containers too
MOST_BYTES = 50_000_000
MOST_FRAMES = 100
MOST_SHOWN = 16
"""Greenlets whose stacks are read at a look, drawn by lot; all would take too much of its CPU."""

Key = tuple[tuple[CodeType, int], ...]

_groups: list[Any] = []


def post_worker_init(worker: object) -> None:  # noqa: ARG001  gunicorn's hook has this signature
    """Be ready for the signal; gunicorn calls it in each worker."""
    install()


def install() -> None:
    """Be ready for the signal, in this process."""
    path = Path(path_of(os.getpid()))
    path.unlink(missing_ok=True)
    atexit.register(path.unlink, missing_ok=True)
    signal.signal(SIGNAL, _write)


def path_of(pid: int) -> str:
    """Return the file of a process, by the process id that it has itself."""
    return f"{FOLDER}/twofold-greenlets-{pid}.jsonl"


def _write(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler's signature
    """Append one line with stacks, each once with its count; outermost frames first."""
    counts = {(True, "", _key(frame)): 1}
    frames = [greenlet.gr_frame for group in _served() for greenlet in tuple(group.greenlets)]
    waiting = [each for each in frames if each is not None]
    shown = random.sample(waiting, min(len(waiting), MOST_SHOWN))
    for index, each in enumerate(shown):  # each stands for as many as any other
        seen = (False, _peer(each), _key(each))
        share = len(waiting) // len(shown) + (index < len(waiting) % len(shown))
        counts[seen] = counts.get(seen, 0) + share
    stacks = [
        {"running": running, "peer": peer, "count": count, "frames": _frames(key)}
        for (running, peer, key), count in counts.items()
    ]
    path = Path(path_of(os.getpid()))
    if not path.exists() or path.stat().st_size < MOST_BYTES:
        with path.open("a") as file:
            file.write(json.dumps(stacks) + "\n")


def _served() -> list[Any]:
    """Return the pools of greenlets; they are searched for once, for that takes a while."""
    if not _groups:
        group = sys.modules["gevent.pool"].Group
        # By its type: isinstance asks a proxy, such as Flask's request, for what it stands for.
        _groups.extend(entry for entry in gc.get_objects() if issubclass(type(entry), group))
    return _groups


def _key(frame: FrameType | None) -> Key:
    """Return a stack's code and lines, the innermost first: cheap, and the same for equal ones."""
    places: list[tuple[CodeType, int]] = []
    while frame is not None and len(places) < MOST_FRAMES:
        places.append((frame.f_code, frame.f_lineno or 0))
        frame = frame.f_back
    return tuple(places)


def _frames(key: Key) -> list[tuple[str, int, str]]:
    return [(code.co_filename, line, code.co_name) for code, line in reversed(key)]


def _peer(frame: FrameType | None) -> str:
    """Return the address of the socket that a greenlet waits for; "" for another wait."""
    while frame is not None:
        if "_socket" in frame.f_code.co_filename:
            held = frame.f_locals.get("self")
            try:
                host, port = held.getpeername()[:2]  # type: ignore[union-attr]
            except (AttributeError, OSError, TypeError, ValueError):
                return ""
            return f"{host}:{port}"
        frame = frame.f_back
    return ""
