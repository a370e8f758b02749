"""SIGINT, SIGTERM and SIGHUP become one ``Interrupted``, raised at a safe moment.

An exception that a signal handler raises can strike between any two instructions, also in the
middle of cleaning up. Here it is raised only inside a wait (``proc`` marks its waits), once, and
never in a shielded part: what was started is always taken down, and a second Ctrl-C changes
nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from loadtests.model.errors import Interrupted

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _State:
    """Signals belong to the process, so there is one of these."""

    received: int | None = None
    raised: bool = False
    waits: int = 0
    shields: int = 0


_state = _State()


@contextmanager
def handled() -> Iterator[None]:
    """Handle the stopping signals in this block; give the former handlers back after it."""
    _state.received, _state.raised, _state.waits, _state.shields = None, False, 0, 0
    before = {number: signal.signal(number, _receive) for number in STOPPING if _stops(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stops(number: signal.Signals) -> bool:
    """Tell whether a signal should stop us: not that of a closed terminal under ``nohup``."""
    return number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN


@contextmanager
def wait() -> Iterator[None]:
    """Mark a wait, which a signal may end. Only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.waits += 1
    try:
        check()
        yield
    finally:
        _state.waits -= 1


@contextmanager
def shield() -> Iterator[None]:
    """Let no signal end a wait in this block; one that comes is kept for after it."""
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1


def check() -> None:
    """Raise for a signal that was kept, unless this part is shielded or it was raised before."""
    if _state.received is not None and not _state.raised and not _state.shields:
        _state.raised = True
        raise Interrupted(_state.received)


def _receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler's signature
    if _state.received is None:
        _state.received = number
    if _state.waits:
        check()
