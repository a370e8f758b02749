"""Runs a program to its end."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from loadtests.model.errors import ProcessFailure
from loadtests.tools import signals
from loadtests.tools.proc import clock
from loadtests.tools.proc.group import Group
from loadtests.tools.proc.output import FileOutput, Output
from loadtests.tools.proc.scripts import trouble_of

TAIL_CHARS = 4000
"""How much of a failed program's output a message shows: one or two screens."""

LOOK_S = 0.05
"""How often a silent program is looked at."""

HELD_PIPE_LIMIT_S = 1.0
"""How long the output is read after the program has ended, where another process holds it open."""

ASK_EVERY_S = 5.0
"""How often it is asked whether a program is still worth waiting for."""


ULIMIT = "Raise the limit of this user or this container (ulimit -a), or end other programs."

LIMITS: Mapping[int, str] = {
    errno.EAGAIN: ULIMIT,
    errno.ENOMEM: ULIMIT,
    errno.EMFILE: ULIMIT,
    errno.ENFILE: ULIMIT,
    errno.E2BIG: "Its words and its environment are too long for this system.",
}
"""What to do where the system could not start any program, whatever its permissions are."""

Stream = int | IO[bytes]
"""Where a program writes: a file, or what ``subprocess`` calls a pipe."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that has ended: its exit code and its output."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout_s: float = 60.0,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
    on_start: Callable[[int], None] | None = None,
    hopeless: Callable[[], str | None] | None = None,
    grace_s: float = 0.0,
    may_leave: bool = False,
) -> Completed:
    """Run a program to its end and return its output.

    ``env`` is added to this process's environment. ``on_line`` is called with each line of output
    as it comes (both streams together), for progress; ``on_start`` with the process id.
    ``hopeless`` returns why waiting has become useless, or None; it is asked every few seconds. A
    program that has to be ended gets SIGTERM and ``grace_s`` seconds, then its group is killed.

    Raises :class:`ProcessFailure` if the program cannot be started, takes longer than
    ``timeout_s``, becomes hopeless, or (with ``check``) ends with a code other than 0. A process
    that it leaves behind is ended with it, if it still writes where the program does. With
    ``may_leave`` (and without ``on_line``), all of them go on once the program has ended by itself.
    """
    command = tuple(argv)
    start = _start_with_files if may_leave else _start
    group, output = start(command, cwd, env, input_text, on_line)
    try:
        with signals.wait():
            if on_start is not None:
                on_start(group.pid)
            _wait_for_end(command, group, output, timeout_s, hopeless)
    except BaseException:
        _end(group, grace_s)
        raise
    finally:
        output.abandon()
    done = Completed(
        argv=command, code=group.reap(), stdout=output.text("stdout"), stderr=output.text("stderr")
    )
    if check and done.code != 0:
        tail = (done.stderr or done.stdout).strip()[-TAIL_CHARS:]
        raise ProcessFailure(
            f"`{shlex.join(command)}` ended with code {done.code}: {tail}", output=tail
        )
    return done


def not_started_message(program: str, error: OSError, folder: Path | None = None) -> str:
    """Return why a program could not be started in a folder, and what to do."""
    way_out = LIMITS.get(error.errno or 0)
    if way_out is not None:
        return f"The program {program!r} cannot be started ({error.strerror}). {way_out}"
    trouble = trouble_of(program, folder)
    if trouble is not None:
        return f"The program {program!r} cannot be run ({error.strerror}). {trouble}"
    if isinstance(error, FileNotFoundError) and error.filename == program:
        return f"The program {program!r} was not found. Install it, or put it on PATH."
    return f"The program {program!r} cannot be run ({error.strerror}). Check its permissions."


def _start(
    command: tuple[str, ...],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    input_text: str | None,
    on_line: Callable[[str], None] | None,
) -> tuple[Group, Output]:
    errors = subprocess.STDOUT if on_line else subprocess.PIPE
    to: Mapping[str, Stream] = {"stdout": subprocess.PIPE, "stderr": errors}
    process = _popen(command, cwd, env, input_text, to)
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    there = {name: stream for name, stream in streams.items() if stream is not None}
    return Group(process), Output(there, on_line)


def _start_with_files(
    command: tuple[str, ...],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    input_text: str | None,
    on_line: Callable[[str], None] | None,
) -> tuple[Group, FileOutput]:
    assert on_line is None, "the lines of files are not told as they come"
    output = FileOutput()
    try:
        return Group(_popen(command, cwd, env, input_text, output.files)), output
    except BaseException:
        output.abandon()
        raise


def _popen(
    command: tuple[str, ...],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    input_text: str | None,
    to: Mapping[str, Stream],
) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE if input_text is not None else subprocess.DEVNULL,
            stdout=to["stdout"],
            stderr=to["stderr"],
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessFailure(not_started_message(command[0], error, cwd)) from error
    if process.stdin is not None:
        writing = (process.stdin, (input_text or "").encode())
        threading.Thread(target=_write, args=writing, daemon=True).start()
    return process


def _write(stream: IO[bytes], text: bytes) -> None:
    with contextlib.suppress(OSError), stream:
        stream.write(text)


def _wait_for_end(
    command: tuple[str, ...],
    group: Group,
    output: Output | FileOutput,
    timeout_s: float,
    hopeless: Callable[[], str | None] | None,
) -> None:
    """Take the output until the program ends; raise if that takes too long or is hopeless."""
    started_s = asked_s = clock.monotonic_s()
    while not output.ended:
        output.take(LOOK_S)
        if group.code is not None:
            if isinstance(output, Output):
                _take_rest(group, output, started_s + timeout_s)
            return
        now_s = clock.monotonic_s()
        if now_s - started_s > timeout_s:
            raise _too_slow(command, timeout_s)
        if hopeless is not None and now_s - asked_s > ASK_EVERY_S:
            if why := hopeless():
                raise ProcessFailure(f"{why} `{shlex.join(command)}` was ended.")
            asked_s = clock.monotonic_s()
    if not group.wait(max(0.0, started_s + timeout_s - clock.monotonic_s())):
        raise _too_slow(command, timeout_s)


def _take_rest(group: Group, output: Output, deadline_s: float) -> None:
    """Take the last output of a program that has ended, and end who holds its pipes open."""
    silent_s = clock.monotonic_s() + HELD_PIPE_LIMIT_S
    while not output.ended and clock.monotonic_s() < deadline_s:
        if not output.take(LOOK_S) and clock.monotonic_s() > silent_s:
            break
    if not output.ended:
        group.signal_all(signal.SIGKILL)
        output.take_rest()


def _too_slow(command: tuple[str, ...], timeout_s: float) -> ProcessFailure:
    return ProcessFailure(f"`{shlex.join(command)}` did not end in {timeout_s:g} s and was killed.")


def _end(group: Group, grace_s: float) -> None:
    """Ask a program to end, then kill its group."""
    if grace_s:
        group.signal(signal.SIGTERM)
        group.wait(grace_s)
    group.end()
