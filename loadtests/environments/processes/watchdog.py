"""Removes a stack when the harness ends, however it ends.

``python -m loadtests.environments.processes.watchdog <folder>`` waits for the end of its standard
input. That is a pipe that only the harness holds open, so it notices even SIGKILL at once. A normal
end takes the same path.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.guards import watching
from loadtests.environments.processes import leftovers
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import signals, temporary


@contextmanager
def guard(*, log: Path) -> Iterator[Path]:
    """Give a new folder for a stack; at the end of the block clear away all that is noted there.

    The folder is there, and nobody else's, before anybody is told its name. The watchdog is there
    before the folder is given, so there is no moment at which anything could be left.
    """
    folder = leftovers.make()
    try:
        watchdog = watching.start(__name__, (str(folder),), log=log)
        try:
            leftovers.claim(folder)
            yield folder
        finally:
            with signals.shield():
                watchdog.close(grace_s=leftovers.CLEAR_LIMIT_S + 2)
    finally:
        leftovers.clear(folder)  # nothing is left to do, unless the watchdog was killed


def main(folder: Path) -> int:
    """Wait for the end of standard input, clear the stack in ``folder``, return the exit code."""
    watching.watch()
    try:
        leftovers.clear(folder)
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    finally:
        temporary.remove_abandoned()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
