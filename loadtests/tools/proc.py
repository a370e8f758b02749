"""Starts processes, sleeps and reads the clock; no other module of the harness does.

``run`` waits for a program that ends by itself. A :class:`Child` exchanges lines with the harness;
a :class:`Service` only writes a log. Both end with their ``with`` block. ``wait_until`` waits for a
condition, with a time limit and a message.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import signals

POLL_S = 0.1
"""How often a condition is checked: too short for a person to notice, and cheap."""

TAIL_CHARS = 4000
"""How much of a failed program's output a message shows: one or two screens."""

KILLED_LIMIT_S = 5.0
"""How long a killed process may take to end; only a hung disk or driver delays it."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that has ended: its exit code and its output."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def now_s() -> float:
    """Return the seconds since the epoch; all parts of a stack share this clock."""
    return time.time()


def monotonic_s() -> float:
    """Return the seconds of a clock that never goes back; use it for durations."""
    return time.monotonic()


def own_cpu_s() -> float:
    """Return the CPU-seconds that all threads of this process have used."""
    return time.process_time()


def sleep(seconds: float) -> None:
    """Sleep; only for polling, and for pauses that are part of an experiment."""
    with signals.wait():
        time.sleep(seconds)


def alive(pid: int) -> bool:
    """Return whether a process exists, whichever user owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def which(program: str) -> str | None:
    """Return the path of a program on PATH, or None."""
    return shutil.which(program)


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout_s: float = 60.0,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program to its end and return its output.

    ``env`` is added to this process's environment. ``on_line`` is called with each line of output
    as it comes (both streams together), for progress. Raises :class:`ProcessFailure` if the program
    is missing, takes longer than ``timeout_s``, or (with ``check``) ends with a code other than 0.
    """
    command = tuple(argv)
    try:
        with subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE if input_text is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if on_line else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                with signals.wait():
                    stdout, stderr = _collect(process, input_text, timeout_s, on_line)
            except BaseException:
                _end_group(process.pid)
                raise
    except (FileNotFoundError, PermissionError) as error:
        raise ProcessFailure(_not_started_message(command[0], error)) from error
    except subprocess.TimeoutExpired as error:
        raise ProcessFailure(
            f"`{shlex.join(command)}` did not end in {timeout_s:g} s and was killed."
        ) from error
    done = Completed(argv=command, code=process.returncode, stdout=stdout, stderr=stderr)
    if check and done.code != 0:
        output = (done.stderr or done.stdout).strip()[-TAIL_CHARS:]
        raise ProcessFailure(
            f"`{shlex.join(command)}` ended with code {done.code}: {output}", output=output
        )
    return done


def _not_started_message(program: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"The program {program!r} was not found. Install it, or put it on PATH."
    return f"The program {program!r} cannot be run ({error.strerror}). Check its permissions."


def _collect(
    process: subprocess.Popen[str],
    input_text: str | None,
    timeout_s: float,
    on_line: Callable[[str], None] | None,
) -> tuple[str, str]:
    if on_line is None:
        return process.communicate(input_text, timeout=timeout_s)
    watchdog = threading.Timer(timeout_s, _end_group, args=(process.pid,))
    watchdog.start()
    lines: list[str] = []
    try:
        if process.stdin is not None:
            process.stdin.write(input_text or "")
            process.stdin.close()
        for line in process.stdout or ():
            lines.append(line)
            on_line(line.rstrip())
        process.wait()
    finally:
        expired = not watchdog.is_alive()
        watchdog.cancel()
    if expired and process.returncode != 0:
        raise subprocess.TimeoutExpired(process.args, timeout_s)
    return "".join(lines), ""


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_until(
    condition: Callable[[], bool], *, limit_s: float, failure: Callable[[], str] | str
) -> None:
    """Wait until ``condition`` is true.

    After ``limit_s`` seconds, raises :class:`EnvironmentFailure` with the message ``failure``.
    """
    deadline = monotonic_s() + limit_s
    while not condition():
        if monotonic_s() > deadline:
            raise EnvironmentFailure(failure if isinstance(failure, str) else failure())
        sleep(POLL_S)


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
        with log.open("ab") as log_file:
            self._process = subprocess.Popen(
                self.argv,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.PIPE if speaks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else log_file,
                stderr=log_file,
                text=True,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; do nothing if it has ended."""
        self._process.send_signal(number)

    def close(self, *, grace_s: float = 3.0) -> None:
        """End the program within ``grace_s``, then kill what is left of its process group."""
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
    ) -> None:
        super().__init__(argv, log=log, env=env, cwd=cwd, speaks=True)
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin: IO[str] = self._process.stdin
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True, name="child-reader"
        )
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with contextlib.suppress(ValueError):  # the stream was closed during the read
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
        """
        try:
            with signals.wait():
                line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise ProcessFailure(
                f"`{shlex.join(self.argv)}` did not answer in {timeout_s:g} s. Its log: {self.log}"
            ) from None
        if line is None:
            self._lines.put(None)
            raise ProcessFailure(self.ended_message())
        return line

    def ended_message(self) -> str:
        """Return a message that names its exit code and its log."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """Close its input, wait for it to end, then kill its process group if it has not."""
        with contextlib.suppress(BrokenPipeError, OSError):
            self._stdin.close()
        try:
            self._process.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            _end_group(self._process.pid)
            self._process.wait(timeout=KILLED_LIMIT_S)
        self._reader.join(timeout=KILLED_LIMIT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


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
        tail = self.log.read_text(errors="replace").strip()[-TAIL_CHARS:]
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}\n{tail}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """Send SIGTERM, wait for it to end, then kill what is left of its process group."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=grace_s)
        _end_group(self._process.pid)
        self._process.wait(timeout=KILLED_LIMIT_S)
