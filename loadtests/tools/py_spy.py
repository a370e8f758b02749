"""py-spy: reads the Python stacks of a running process from outside.

It reads the process's memory and does not stop it (``--nonblocking``): to stop a process that has
used up its CPU budget takes until the budget's next period, and every look would then see the
beginning of a period.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.records import Frame
from loadtests.tools import proc
from loadtests.tools.procfs import threads

NAME = "py-spy"

PROC = Path("/proc")

LIMIT_S = 5.0
"""A look takes 20 to 100 ms; a process that has just ended, or another interpreter, none at all."""

MISSING = (
    "py-spy was not found, so nothing is told of where requests wait. Install it beside twofold:"
    " pip install py-spy."
)

NO_RIGHT = (
    "The kernel does not let this user look into other processes (ptrace). Start twofold as root,"
    " or allow it until the next boot: sudo sysctl kernel.yama.ptrace_scope=0. In a container,"
    " start it with --cap-add SYS_PTRACE."
)

AS_ROOT = (
    "The replicas' processes are another user's, as in containers, so only root may look into them."
    " Start twofold as root."
)

REFUSALS = frozenset({NO_RIGHT, AS_ROOT})
"""The same for all processes of a run."""

ERROR = "Error: "
"""Before what py-spy says of a failure; its causes stand in the lines below."""

BACKTRACE = "Stack backtrace:"
"""Before py-spy's own stack, which it writes where ``RUST_BACKTRACE`` is set."""

RECORDED = re.compile(r"(?P<name>.*?) \((?P<file>.+):(?P<line>\d+)\)")
"""A frame of a recorded stack: ``rank (/srv/shop/search.py:31)``."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread that was seen: its id in the system, its frames (outermost first), and its state.

    ``owns_gil`` says that it held the GIL. ``thread`` is None where only its address is known.
    """

    thread: int | None
    frames: tuple[Frame, ...]
    owns_gil: bool
    address: int = 0
    """What ``threading.get_ident`` says: the address of its pthread."""


def find_program() -> str | None:
    """Return the path of py-spy beside this interpreter or on PATH; None if it is nowhere."""
    beside = Path(sys.executable).with_name(NAME)
    return str(beside) if beside.exists() else proc.which(NAME)


def dump_argv(program: str, pid: int, cores: Sequence[int] = ()) -> tuple[str, ...]:
    """Return the command that writes all stacks of a process once, as JSON.

    It runs on ``cores``, if some are given: not on those of the replicas.
    """
    return (*_on(cores), program, "dump", "--json", "--nonblocking", "--pid", str(pid))


def record_argv(
    program: str, pid: int, output: Path, *, rate_hz: int, seconds: int, cores: Sequence[int] = ()
) -> tuple[str, ...]:
    """Return the command that samples the thread that holds the GIL, and counts its stacks.

    Looking for the holder first is cheap, so a process that does nothing costs next to nothing; and
    it needs no thread's state, which cannot be told of the threads of a container.
    """
    how = ("--gil", "--nonblocking", "--full-filenames", "--format", "raw")
    length = ("--rate", str(rate_hz), "--duration", str(seconds))
    return (
        *_on(cores),
        program,
        "record",
        *how,
        *length,
        "--output",
        str(output),
        "--pid",
        str(pid),
    )


def _on(cores: Sequence[int]) -> tuple[str, ...]:
    taskset = proc.which("taskset") if cores else None
    return (taskset, "--cpu-list", ",".join(map(str, cores))) if taskset else ()


def parse_record(text: str) -> Mapping[tuple[Frame, ...], int]:
    """Parse the output of ``py-spy record --format raw``: a stack a line, with its count.

    Lines that are none, and stacks without a frame of a file, are left out.
    """
    counts: Counter[tuple[Frame, ...]] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = tuple(
            Frame(file=found["file"], line=int(found["line"]), name=found["name"])
            for found in map(RECORDED.fullmatch, stack.split(";"))
            if found
        )
        if frames and count.isdigit():
            counts[frames] += int(count)
    return counts


def dump(program: str, pid: int, cores: Sequence[int] = ()) -> tuple[Thread, ...]:
    """Return all threads of a process; raise :class:`ProcessFailure` where it cannot be read."""
    try:
        done = proc.run(dump_argv(program, pid, cores), timeout_s=LIMIT_S)
    except ProcessFailure as error:
        if _is_refused(error) and _is_of_another_user(pid):
            raise ProcessFailure(AS_ROOT, output=error.output) from error
        raise
    try:
        seen = parse_dump(done.stdout)
    except (ValueError, KeyError, TypeError) as error:
        raise ProcessFailure(f"py-spy wrote no JSON that is known: {error}") from error
    return tuple(
        thread
        if thread.thread is not None
        else replace(thread, thread=threads.id_at(pid, thread.address))
        for thread in seen
    )


def _is_refused(error: ProcessFailure) -> bool:
    lowered = f"{error} {error.output}".lower()
    return "permission denied" in lowered or "operation not permitted" in lowered


def _is_of_another_user(pid: int) -> bool:
    own = os.geteuid()
    try:  # root that is refused lacks a capability
        return own != 0 and (PROC / str(pid)).stat().st_uid != own
    except OSError:
        return False


def parse_dump(text: str) -> tuple[Thread, ...]:
    """Parse the output of ``py-spy dump --json`` (py-spy 0.4)."""
    return tuple(
        Thread(
            thread=trace.get("os_thread_id"),
            address=int(trace["thread_id"]),
            frames=tuple(
                _frame(frame) for frame in reversed(trace["frames"]) if not _is_shim(frame)
            ),
            owns_gil=bool(trace["owns_gil"]),
        )
        for trace in json.loads(text)
    )


def _frame(frame: dict[str, Any]) -> Frame:
    return Frame(file=frame["filename"], line=int(frame["line"]), name=frame["name"])


def _is_shim(frame: dict[str, Any]) -> bool:
    """Return whether a frame is CPython's own, between C and Python: it has no file and no line."""
    return not frame["line"] and "/" not in frame["filename"]


def why_not(error: ProcessFailure) -> str:
    """Return why a process cannot be read, in a sentence with the way out."""
    if AS_ROOT in str(error):
        return AS_ROOT
    if _is_refused(error):
        return NO_RIGHT
    output = error.output.partition(BACKTRACE)[0]
    text = f"{error} {output}"
    lowered = text.lower()
    if "not found" in lowered and NAME in text and "program" in lowered:
        return MISSING
    if "python version" in lowered or "symbol" in lowered or "interpreter" in lowered:
        return (
            "py-spy finds no CPython in this process. PyPy, and interpreters without symbols that"
            " are built into another program, cannot be read from outside."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    stated = [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]
    last = (stated or lines or str(error).splitlines() or [""])[-1]
    return f"py-spy cannot read the process: {last}"
