"""Programs that run beside the harness: one that speaks with it, and one that only writes a log."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import signals
from loadtests.tools.proc import clock
from loadtests.tools.proc.command import ASK_EVERY_S, TAIL_CHARS, not_started_message
from loadtests.tools.proc.group import KILLED_LIMIT_S, Group

NOT_OF_THIS_JOB = {"RUNNER_TRACKING_ID": "", "JENKINS_NODE_COOKIE": "dontKillMe"}
"""CI ends all processes of a cancelled job, which it knows by these variables (GitHub, Jenkins)."""

LAST_WORDS_LIMIT_S = 1.0
"""How long a program whose output has ended may take to end as well."""


class _Program:
    """A program that runs in its own process group until its ``with`` block ends."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        speaks: bool,
    ) -> None:
        """Start it; with ``speaks``, two pipes are its standard input and output."""
        self.argv = tuple(argv)
        self.log = log
        with _opened(log) as log_file:
            try:
                self._process = subprocess.Popen(
                    self.argv,
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    stdin=subprocess.PIPE if speaks else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if speaks else log_file,
                    stderr=log_file,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessFailure(not_started_message(self.argv[0], error, cwd)) from error
        self._group = Group(self._process)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._group.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._group.code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; do nothing if it has ended."""
        self._group.signal(number)

    def close(self, *, grace_s: float = 3.0) -> None:
        """End the program within ``grace_s``, then kill what is left of its process group.

        Closing it again does nothing.
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Child(_Program):
    """A program that reads and writes lines, and ends with this object's ``with`` block.

    Its standard error goes to ``log``. A thread reads its lines, so that waiting for the next one
    can have a limit.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        hopeless: Callable[[], str | None] | None = None,
    ) -> None:
        super().__init__(argv, log=log, env=env, cwd=cwd, speaks=True)
        self._hopeless = hopeless
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin: IO[str] = self._process.stdin
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True, name="child-reader"
        )
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    def send(self, line: str) -> None:
        """Write one line; raise :class:`ProcessFailure` if the program has ended."""
        try:
            self._stdin.write(line + "\n")
            self._stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise ProcessFailure(self.ended_message()) from error

    def receive(self, timeout_s: float) -> str:
        """Return the next line.

        Raises :class:`ProcessFailure` if the program ends, or writes no line in ``timeout_s``.
        Until the first line has come, ``hopeless`` is asked every few seconds. It returns why
        waiting is of no use, or None.
        """
        try:
            with signals.wait():
                line = self._next(timeout_s)
        except queue.Empty:
            raise ProcessFailure(
                f"`{shlex.join(self.argv)}` did not answer in {timeout_s:g} s. Its log: {self.log}"
            ) from None
        self._hopeless = None
        if line is None:
            self._lines.put(None)
            raise ProcessFailure(self.ended_message())
        return line

    def _next(self, timeout_s: float) -> str | None:
        deadline_s = clock.monotonic_s() + timeout_s
        while self._hopeless is not None and clock.monotonic_s() + ASK_EVERY_S < deadline_s:
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=ASK_EVERY_S)
            if why := self._hopeless():
                raise ProcessFailure(f"{why} `{shlex.join(self.argv)}` was given up.")
        return self._lines.get(timeout=max(0.0, deadline_s - clock.monotonic_s()))

    def ended_message(self) -> str:
        """Return a message that names its exit code and its log."""
        self._group.wait(LAST_WORDS_LIMIT_S)
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """Close its input, wait for it to end, then kill what is left of its process group."""
        with contextlib.suppress(BrokenPipeError, OSError):
            self._stdin.close()
        self._group.wait(grace_s)
        self._group.end()
        self._reader.join(timeout=KILLED_LIMIT_S)

    def release(self) -> None:
        """Close its input, and leave it to end by itself, maybe after this process."""
        with contextlib.suppress(BrokenPipeError, OSError):
            self._stdin.close()
        self._group.release()


class Service(_Program):
    """A program that reads no input and ends with this object's ``with`` block.

    All its output is appended to ``log``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        super().__init__(argv, log=log, env=env, cwd=cwd, speaks=False)

    def ended_message(self) -> str:
        """Return a message that names its exit code and its log, and shows the end of the log."""
        tail = self.log.read_text(errors="replace", encoding="utf-8").strip()[-TAIL_CHARS:]
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}\n{tail}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """Send SIGTERM, wait for it to end, then kill what is left of its process group."""
        self.signal(signal.SIGTERM)
        self._group.wait(grace_s)
        self._group.end()


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("ab")
    except OSError as error:
        raise EnvironmentFailure(
            f"The log {log} cannot be written ({error.strerror}). Free some space, or name another"
            " folder: --out DIR."
        ) from error
