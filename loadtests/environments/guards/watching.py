"""What the watchdogs of all backends have in common.

A watchdog is a child of the harness that outlives it: it waits for the end of its standard input,
which is a pipe that only the harness holds open. So it notices even SIGKILL at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.environments.child_python import python_path
from loadtests.tools.proc import Child

READY = "watching"
START_LIMIT_S = 30.0

NOT_OF_THIS_JOB = {"RUNNER_TRACKING_ID": "", "JENKINS_NODE_COOKIE": "dontKillMe"}
"""CI ends all processes of a cancelled job, which it knows by these variables (GitHub, Jenkins)."""


def start(module: str, words: Sequence[str], *, log: Path) -> Child:
    """Start a watchdog, and return once it watches."""
    argv = (sys.executable, "-m", module, *words)
    child = Child(argv, log=log, env=python_path() | NOT_OF_THIS_JOB)
    try:
        child.receive(START_LIMIT_S)
    except BaseException:
        child.close()
        raise
    return child


def watch() -> tuple[str, ...]:
    """In a watchdog: wait for the end of standard input, and return the lines that came.

    Signals that stop the harness do not end the watchdog.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print(READY, flush=True)
    return tuple(line.decode(errors="replace").strip() for line in sys.stdin.buffer)
