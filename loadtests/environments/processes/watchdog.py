"""Clears a stack away when the harness ends, however it ends.

``python -m loadtests.environments.processes.watchdog <folder>`` waits for the end of its
standard input, a pipe that only the harness holds open, so also SIGKILL is noticed at once. It is
what clears after a normal end too, so that there is one way for a stack to go.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import loadtests
from loadtests.environments.processes import leftovers
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import signals
from loadtests.tools.proc import Child

READY = "watching"
START_LIMIT_S = 30.0

PACKAGES = Path(loadtests.__file__).parents[1]
"""Where a child finds this package, from whichever folder it is started."""


@contextmanager
def guard(*, log: Path) -> Iterator[Path]:
    """Give a new folder for a stack; at the end of the block clear away all that is noted there.

    The folder is there, and nobody else's, before anybody is told its name. The watchdog is there
    before the folder is given, so there is no moment at which anything could be left.
    """
    folder = leftovers.make()
    try:
        argv = (sys.executable, "-m", "loadtests.environments.processes.watchdog", str(folder))
        watchdog = Child(argv, log=log, env=python_path())
        try:
            watchdog.receive(START_LIMIT_S)
            leftovers.claim(folder)
            yield folder
        finally:
            with signals.shield():
                watchdog.close(grace_s=leftovers.CLEAR_LIMIT_S + 2)
    finally:
        leftovers.clear(folder)  # nothing is left to do, unless the watchdog was killed


def python_path() -> dict[str, str]:
    """Give the variable by which a child Python finds this package."""
    paths = (str(PACKAGES), os.environ.get("PYTHONPATH", ""))
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def main(folder: Path) -> int:
    """Wait for the end of standard input, then clear the stack of ``folder``."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it has to outlive what stops the harness
    print(READY, flush=True)
    sys.stdin.buffer.read()
    try:
        leftovers.clear(folder)
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
