"""A run or a gate in a process of its own, and everything on this machine that belongs to it."""

from __future__ import annotations

import os
import pty
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from loadtests.tools import docker, proc
from scripts.reliability import belongings
from scripts.reliability.record import Broken

PROJECT = Path(__file__).resolve().parent.parent.parent

MARK = "TWOFOLD_CAMPAIGN"
"""A variable of every process of a case, by which most of them can be found."""

SLOWER = float(os.environ.get("RELIABILITY_SLOWER", "1"))
"""How many times slower than usual this machine is: an emulated one has so much more time."""

GONE_LIMIT_S = 30.0 * SLOWER
START_LIMIT_S = 300.0 * SLOWER

QUICK = ("--quick", "--rounds", "2", "--seed", "1", "--workers", "gthread", "--replicas", "1,2")


class Harness:
    """``twofold`` with some arguments, in a folder of its own; on a terminal, or as ``user``.

    ``cwd`` is the folder that it works in, if not its own. What is on the machine and on the engine
    before its start is not its own.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
        results: str = "results",
        user: int | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.mark = secrets.token_hex(8)
        self.results = folder / results
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self._processes = belongings.Processes(f"{MARK}={self.mark}", folder)
        self._before = _everything()
        if belongings.SILENT in self._before:
            raise Broken(belongings.SILENT)
        self._terminal: int | None = None
        self._code: int | None = None
        self._service: proc.Service | None = None
        self.log = folder / f"{self.mark}.log"
        environment = {
            "PYTHONPATH": str(PROJECT),
            "TMPDIR": str(self.temporary),
            "TWOFOLD_LOCK_FOLDER": str(folder),
            MARK: self.mark,
            **(env or {}),
        }
        argv = (sys.executable, "-m", "loadtests", *arguments, "--out", str(self.results))
        if terminal:
            self.pid = self._on_terminal(argv, environment, cwd or folder)
        else:
            argv = argv if user is None else (*as_user(user), *argv)
            self._service = proc.Service(argv, log=self.log, env=environment, cwd=cwd or folder)
            self.pid = self._service.pid
        self._processes.note(self.pid)

    def _on_terminal(self, argv: tuple[str, ...], environment: Mapping[str, str], cwd: Path) -> int:
        pid, self._terminal = pty.fork()
        if pid == 0:
            with self.log.open("wb") as log:
                os.dup2(log.fileno(), 2)
            os.chdir(cwd)
            os.execvpe(argv[0], argv, {**os.environ, **environment})  # noqa: S606  its terminal
        return pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self._service is not None:
            return self._service.code
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, line: str, *, limit_s: float = START_LIMIT_S) -> None:
        """Wait until it has written a line that contains this text; break if it ends before."""
        proc.wait_until(
            lambda: line in self.said or self.code is not None,
            limit_s=limit_s,
            failure=lambda: f"no line {line!r} in {limit_s:g} s: {self.said[-500:]}",
        )
        if self.code is not None:
            raise Broken(f"it ended with {self.code} before {line!r}: {self.said[-500:]}")
        self._processes.note()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        self._processes.note()
        if self.code is None:
            os.kill(self.pid, number)

    def close_terminal(self) -> None:
        """Close its terminal, as somebody closes a window."""
        self._processes.note()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def wait(self, limit_s: float) -> int:
        """Wait for its end, and return the code; break the promise if it does not come."""
        deadline_s = time.monotonic() + limit_s
        while (code := self.code) is None:
            if time.monotonic() > deadline_s:
                raise Broken(f"it did not end in {limit_s:g} s: {self.said[-500:]}")
            time.sleep(0.05)
        return code

    def kill(self) -> None:
        """End whatever a broken case has left, and forget it."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._service is not None:
            self._service.close(grace_s=0.0)

    # -- what belongs to it -----------------------------------------------------------------------

    def processes(self) -> list[int]:
        """Return all processes on this machine that it or its children started."""
        return self._processes.there()

    def runs(self) -> list[str]:
        """Return the names of its runs and gates."""
        return sorted(path.name for path in self.results.glob("*-*-*"))

    def left(self) -> list[str]:
        """Return all that is still there of it, in words."""
        left = [f"process {pid} ({_command(pid)})" for pid in self.processes()]
        left += [f"folder {path}" for path in self.temporary.iterdir()]
        return left + sorted(_everything() - self._before)

    def hold_to_nothing_left(self, limit_s: float = GONE_LIMIT_S) -> float:
        """Wait until nothing is left, and return how long that took; else break the promise."""
        began_s = time.monotonic()
        while left := self.left():
            if time.monotonic() - began_s > limit_s:
                raise Broken(f"left after {limit_s:g} s: {'; '.join(left[:5])}")
            time.sleep(0.3)
        return time.monotonic() - began_s


def as_user(user: int) -> tuple[str, ...]:
    """Return the words before a command that root gives as another user (setpriv, util-linux)."""
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--")


@cache
def has_engine() -> bool:
    """Return whether a Docker engine answers."""
    return docker.pulse.answers()


def _everything() -> set[str]:
    """Return what a run could leave on this machine and on its engine, whoever made it."""
    return belongings.on_machine() | (belongings.on_engine() if has_engine() else set())


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
    except OSError:
        return "?"
