"""Turns SIGINT, SIGTERM and SIGHUP into one ``Interrupted``, raised at a safe moment.

A signal handler can raise its exception between any two instructions, even during a clean-up. So
``Interrupted`` is raised only inside a wait (``proc`` marks its waits), only once, and never inside
``shield``. Everything that was started is taken down. A command that starts nothing may end at any
moment, so it is one wait (``interruptible``). Whoever handles the signals is told of each one, and
may end the process at the second.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from loadtests.model.errors import Interrupted

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _State:
    """The state of this process's signals; there is one instance, because signals are global."""

    heard: Callable[[int], None] | None = None
    received: int | None = None
    raised: bool = False
    waits: int = 0
    shields: int = 0


_state = _State()


@contextmanager
def handled(heard: Callable[[int], None] | None = None) -> Iterator[None]:
    """Handle the stopping signals in this block, then restore the former handlers.

    ``heard`` is called for each signal, with the number of the first.
    """
    _state.received, _state.raised, _state.waits, _state.shields = None, False, 0, 0
    _state.heard = heard
    before = {number: signal.signal(number, _receive) for number in STOPPING if _stops(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stops(number: signal.Signals) -> bool:
    """Return whether a signal should stop the run; under ``nohup`` SIGHUP should not."""
    return number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN


@contextmanager
def wait() -> Iterator[None]:
    """Mark a wait that a signal may end; only the main thread is ever interrupted."""
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
def interruptible() -> Iterator[None]:
    """Let a signal end this block at any moment: it starts nothing, and measures nothing."""
    try:
        with wait():
            yield
        check()
    except Interrupted as error:
        raise Interrupted(error.signum, measures=False) from None


@contextmanager
def shield() -> Iterator[None]:
    """Defer signals in this block: one that arrives is raised in a later wait."""
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1


def check() -> None:
    """Raise ``Interrupted`` for a received signal, unless shielded or already raised."""
    if _state.received is not None and not _state.raised and not _state.shields:
        _state.raised = True
        raise Interrupted(_state.received)


def _receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler's signature
    if _state.received is None:
        _state.received = number
    if _state.heard is not None:
        _state.heard(_state.received)
    if _state.waits:
        check()
