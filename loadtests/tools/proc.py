"""The one place that starts processes, sleeps and reads the clock.

``run`` waits for a program that ends by itself. A :class:`Child` is spoken to line by line, a
:class:`Service` runs on its own and writes a log; both are sure to end with their ``with`` block.
Everything that has to wait for a condition goes through ``wait_until``, which has a limit and a
message.
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
"""How often a condition is looked at: far below what a person notices, and cheap."""

TAIL_CHARS = 4000
"""How much of a failed program's output a message keeps: a screen or two."""


KILLED_LIMIT_S = 5.0
"""How long a killed process may take to be gone; only a hung disk or driver holds one."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that ended: its exit code, and what it wrote."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def now_s() -> float:
    """Give the moment in seconds since the epoch, the clock that all parts of a stack share."""
    return time.time()


def monotonic_s() -> float:
    """Give a clock in seconds that never goes back, for durations."""
    return time.monotonic()


def own_cpu_s() -> float:
    """Give the CPU-seconds that this process has used, all threads together."""
    return time.process_time()


def sleep(seconds: float) -> None:
    """Wait; for polling and for pauses that are part of an experiment, never for hope."""
    with signals.wait():
        time.sleep(seconds)


def alive(pid: int) -> bool:
    """Tell whether a process is there, whoever it belongs to."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def which(program: str) -> str | None:
    """Give the path of a program, or None where there is none."""
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
    """Run a program to its end and give what it wrote.

    ``env`` is added to this process's environment. ``on_line`` is told each line of its output as
    it comes (both streams together), for progress. Raises :class:`ProcessFailure` where the program
    is missing, takes longer than ``timeout_s``, or (with ``check``) ends with another code than 0.
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
            f"`{shlex.join(command)}` did not end in {timeout_s:g} s and was stopped."
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
    return f"The program {program!r} may not be run ({error.strerror})."


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
    """Wait until a condition holds; raise :class:`EnvironmentFailure` at the limit."""
    deadline = monotonic_s() + limit_s
    while not condition():
        if monotonic_s() > deadline:
            raise EnvironmentFailure(failure if isinstance(failure, str) else failure())
        sleep(POLL_S)


class Child:
    """A program that is spoken to in lines, and that ends with this object's ``with`` block.

    Its standard error goes to ``log``. Lines are read by a thread, so that a wait for the next one
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
        self.argv = tuple(argv)
        self.log = log
        self._lines: queue.Queue[str | None] = queue.Queue()
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                self.argv,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin: IO[str] = self._process.stdin
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True, name="child-reader"
        )
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with contextlib.suppress(ValueError):  # closed while it was read
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    @property
    def pid(self) -> int:
        """The process id, which is that of its process group too."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; nothing happens where it has ended."""
        self._process.send_signal(number)

    def send(self, line: str) -> None:
        """Write one line; raise :class:`ProcessFailure` where nobody reads any more."""
        try:
            self._stdin.write(line + "\n")
            self._stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise ProcessFailure(self.ended_message()) from error

    def receive(self, timeout_s: float) -> str:
        """Give the next line; raise :class:`ProcessFailure` at its end or after ``timeout_s``."""
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
        """Say that it ended, with its code and its log."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """End it: close its input, wait, then end its process group."""
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Service:
    """A program that runs on its own in its own process group until its ``with`` block ends.

    All that it writes goes to the end of ``log``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.argv,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is that of its process group too."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; nothing happens where it has ended."""
        self._process.send_signal(number)

    def ended_message(self) -> str:
        """Say that it ended, with its code, its log, and the end of that."""
        tail = self.log.read_text(errors="replace").strip()[-TAIL_CHARS:]
        return f"`{shlex.join(self.argv)}` ended with code {self.code}. Its log: {self.log}\n{tail}"

    def close(self, *, grace_s: float = 3.0) -> None:
        """End it: ask (SIGTERM), wait, then end what is left of its process group."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=grace_s)
        _end_group(self._process.pid)
        self._process.wait(timeout=KILLED_LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
