"""What keeps the cores awake is last in line, and ends with whoever holds its standard input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.environments import busy_loop

pytestmark = pytest.mark.skipif(
    not hasattr(os, "SCHED_IDLE"), reason="only Linux has a class of idle processes"
)

LIMIT_S = 10.0


@pytest.fixture
def awake() -> Iterator[subprocess.Popen[bytes]]:
    core = str(min(os.sched_getaffinity(0)))
    argv = (sys.executable, "-I", "-S", busy_loop.__file__, core)
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def spinning(process: subprocess.Popen[bytes]) -> int:
    """Wait for its child to have become idle-class, and give the child's id."""
    ends_s = time.monotonic() + LIMIT_S
    while time.monotonic() < ends_s:
        for child in children(process.pid):
            if os.sched_getscheduler(child) == os.SCHED_IDLE:
                return child
        time.sleep(0.01)
    raise AssertionError("no child came into the idle class")


def gone(pid: int) -> bool:
    ends_s = time.monotonic() + LIMIT_S
    while time.monotonic() < ends_s:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z":
                return True  # whoever adopted it has yet to look
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_it_computes_in_the_idle_class_on_the_one_core_that_was_named(
    awake: subprocess.Popen[bytes],
) -> None:
    child = spinning(awake)

    assert os.sched_getaffinity(child) == {min(os.sched_getaffinity(0))}


def test_the_session_of_whoever_started_it_keeps_its_niceness(
    awake: subprocess.Popen[bytes],
) -> None:
    child = spinning(awake)

    assert os.getsid(child) == child != os.getsid(0)


def test_it_ends_when_its_standard_input_ends(awake: subprocess.Popen[bytes]) -> None:
    child = spinning(awake)

    assert awake.stdin is not None
    awake.stdin.close()

    assert awake.wait(LIMIT_S) == 0
    assert gone(child)


def test_its_child_ends_by_itself_when_it_was_killed(awake: subprocess.Popen[bytes]) -> None:
    child = spinning(awake)

    os.kill(awake.pid, signal.SIGKILL)

    assert gone(child)
