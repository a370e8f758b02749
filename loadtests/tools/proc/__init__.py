"""Starts processes, sleeps and reads the clock; no other package of the harness does.

``run`` waits for a program that ends by itself. A :class:`Child` exchanges lines with the harness;
a :class:`Service` only writes a log. Both end with their ``with`` block. ``wait_until`` waits for a
condition, with a time limit and a message.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import signals
from loadtests.tools.proc import clock
from loadtests.tools.proc.clock import children_cpu_s, monotonic_s, now_s, own_cpu_s
from loadtests.tools.proc.command import TAIL_CHARS, Completed, run
from loadtests.tools.proc.group import signal_running
from loadtests.tools.proc.programs import NOT_OF_THIS_JOB, Child, Service
from loadtests.tools.proc.scripts import trouble_of
from loadtests.tools.proc.setpriv import tied

__all__ = [
    "NOT_OF_THIS_JOB",
    "POLL_S",
    "TAIL_CHARS",
    "Child",
    "Completed",
    "Service",
    "alive",
    "children_cpu_s",
    "monotonic_s",
    "now_s",
    "own_cpu_s",
    "run",
    "signal_running",
    "sleep",
    "tied",
    "trouble_of",
    "wait_until",
    "which",
]

POLL_S = 0.1
"""How often a condition is checked: too short for a person to notice, and cheap."""


def sleep(seconds: float) -> None:
    """Sleep; only for polling, and for pauses that are part of an experiment."""
    with signals.wait():
        clock.pause(seconds)


def alive(pid: int) -> bool:
    """Return whether a process exists, whichever user owns it."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def which(program: str) -> str | None:
    """Return the path of a program on PATH, or None."""
    return shutil.which(program)


def wait_until(
    condition: Callable[[], bool],
    *,
    limit_s: float,
    failure: Callable[[], str] | str,
    every_s: float | None = None,
) -> None:
    """Wait until ``condition`` is true; it is checked every ``POLL_S`` or ``every_s`` seconds.

    After ``limit_s`` seconds, raises :class:`EnvironmentFailure` with the message ``failure``.
    """
    deadline = monotonic_s() + limit_s
    while not condition():
        if monotonic_s() > deadline:
            raise EnvironmentFailure(failure if isinstance(failure, str) else failure())
        sleep(POLL_S if every_s is None else every_s)
