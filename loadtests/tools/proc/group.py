"""A started program and its process group.

The id of a process that was reaped may soon be another's. So a program is reaped last: until then
its id is its own, and so is that of its group, and both can be signalled safely.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from signal import SIGKILL, Signals

from loadtests.model.errors import ProcessFailure
from loadtests.tools.proc import clock

KILLED_LIMIT_S = 5.0
"""How long a killed process may take to end; only a hung disk or driver delays it."""

SHORTEST_LOOK_S, LONGEST_LOOK_S = 0.0005, 0.05
"""Pauses between two looks whether a program has ended; they double, as in ``subprocess``."""

_running: set[Group] = set()
"""The programs of this process that have not been reaped."""


class Group:
    """A program that was started as the leader of its own process group."""

    def __init__(self, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
        self._process = process
        _running.add(self)

    @property
    def pid(self) -> int:
        """The id of the program and of its group."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while the program runs; this does not reap it."""
        if self._process.returncode is not None:
            return self._process.returncode
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll()
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # where SIGCHLD is ignored, the kernel reaps at once
            return self._process.poll()
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def wait(self, limit_s: float) -> bool:
        """Wait for the end of the program, without reaping it; return whether it has ended."""
        deadline_s = clock.monotonic_s() + limit_s
        pause_s = SHORTEST_LOOK_S
        while self.code is None:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                return False
            clock.pause(min(pause_s, left_s))
            pause_s = min(2 * pause_s, LONGEST_LOOK_S)
        return True

    def signal(self, number: Signals) -> None:
        """Send a signal to the program itself, unless it was reaped."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def signal_all(self, number: Signals) -> None:
        """Send a signal to every process of the group, unless the program was reaped."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def end(self) -> None:
        """Kill what is left of the group, and reap the program.

        Raises :class:`ProcessFailure` if the kernel cannot end it.
        """
        self.signal_all(SIGKILL)
        if not self.wait(KILLED_LIMIT_S):
            raise ProcessFailure(
                f"Process {self.pid} was killed and is still there after {KILLED_LIMIT_S:g} s. It"
                " waits for a disk or a driver; look at it with `ps -o pid,state,wchan,args`."
            )
        self.reap()

    def reap(self) -> int:
        """Reap the program, which has ended, and return its exit code."""
        _running.discard(self)
        return self._process.wait()

    def release(self) -> None:
        """Leave the program running: it is no longer this process's to end."""
        _running.discard(self)


def signal_running(number: Signals) -> None:
    """Send a signal to the groups of all programs that this process has not reaped."""
    for group in tuple(_running):
        group.signal_all(number)
