"""A timer for an exact moment: on Linux it is some tens of microseconds late at most.

The event loop rounds its own timers up to whole milliseconds (``epoll_wait``). Linux's timerfd is
not rounded, and is watched like a socket.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from time import monotonic
from typing import Any, cast

import gevent

LIBC = ctypes.CDLL(None, use_errno=True)

TIMERFD_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
ABSOLUTE = 1
"""TFD_TIMER_ABSTIME of <sys/timerfd.h>."""
CLOCK_MONOTONIC = 1
"""CLOCK_MONOTONIC of <time.h>; ``time.monotonic()`` reads the same clock."""
SOONEST_S = 1e-9
"""Earliest moment for a timerfd; one set to zero never fires."""


class TimerSpec(ctypes.Structure):
    """The ``struct itimerspec`` of <sys/timerfd.h>."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("s", ctypes.c_long),
        ("ns", ctypes.c_long),
    )


class Alarm:
    """Calls ``ring`` in the event loop's greenlet, before other pending events."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = cast("Any", gevent.get_hub().loop)  # the type stubs have no priorities
        self._watcher: Any = None
        self._fd = -1
        if hasattr(LIBC, "timerfd_create"):  # os.timerfd_create needs Python 3.13
            self._fd = LIBC.timerfd_create(CLOCK_MONOTONIC, TIMERFD_FLAGS)
        if self._fd >= 0:
            self._watcher = self._loop.io(self._fd, 1)
            self._watcher.priority = self._loop.MAXPRI
            self._watcher.start(self._read)

    def set(self, moment: float) -> None:
        """Ring once at ``moment`` of the monotonic clock, or at once if it has passed."""
        if self._fd >= 0:
            seconds, rest = divmod(max(moment, SOONEST_S), 1.0)
            spec = TimerSpec(0, 0, int(seconds), int(rest * 1e9))
            LIBC.timerfd_settime(self._fd, ABSOLUTE, ctypes.byref(spec), None)
            return
        if self._watcher is not None:
            self._watcher.close()
        self._watcher = self._loop.timer(max(0.0, moment - monotonic()))
        self._watcher.priority = self._loop.MAXPRI
        self._watcher.start(self._ring, update=True)  # count from now, not from the loop's time

    def close(self) -> None:
        """Cancel the alarm for good."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._watcher = -1, None

    def _read(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # it was set to another moment before it rang
            return
        self._ring()


def sleep_until(moment: float) -> None:
    """Sleep until ``moment`` of the monotonic clock."""
    if moment <= monotonic():
        return
    alarm = Alarm(gevent.getcurrent().switch)
    try:
        alarm.set(moment)
        gevent.get_hub().switch()
    finally:
        alarm.close()
