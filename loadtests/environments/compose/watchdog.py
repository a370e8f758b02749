"""Removes a run's Compose project when the harness ends without having removed it.

``python -m loadtests.environments.compose.watchdog <project>`` hears from the harness which
programs of Compose run, and at the end that nothing is left. If the harness ends without this, it
ends those programs, and removes the project once the engine answers. It logs what it does.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environments.guards import watching
from loadtests.environments.guards.watching import DONE, PROGRAM, Guard
from loadtests.environments.protocol import Say
from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_YES, EnvironmentFailure
from loadtests.tools import docker, proc, procfs, temporary

CALM_S = 15.0
"""How long nothing new may appear before the project counts as gone: the engine may still create
what an ended Compose requested."""

LIMIT_S = 900.0
"""How long an engine that does not answer, or does not remove the project, is asked again."""

AGAIN_S = 1.0


def guard(project: str, *, log: Path) -> AbstractContextManager[Guard]:
    """Provide a guard for a project, which removes it unless the block notes that it is gone."""
    return watching.guard(__name__, (project,), log=log)


def main(project: str) -> int:
    """Wait for the end of the harness, remove its project, and return the exit code."""
    return watch_and_remove(project, _removed)


def watch_and_remove(project: str, removed: Callable[[str, Say], bool]) -> int:
    """Wait for the end of the harness, and call ``removed`` until nothing is left of its stack.

    ``removed`` removes what is there, and returns whether there was nothing.
    """
    lines = watching.watch()
    if DONE in lines:
        return EXIT_YES
    say = _Log()
    say(f"The harness ended without removing {project}")
    _end_programs(lines)
    try:
        _remove(project, say, removed)
    except EnvironmentFailure as failure:
        say(str(failure))
        return EXIT_ENVIRONMENT
    finally:
        temporary.remove_abandoned()  # files in it may have been mounted
    say(f"Removed {project}")
    return EXIT_YES


def _end_programs(lines: Iterable[str]) -> None:
    """End the programs in these lines, but none whose id was reused since."""
    for line in lines:
        match = re.fullmatch(rf"{PROGRAM} (\d+) (.+)", line)
        facts = procfs.facts_of(int(match[1])) if match else None
        if match and facts is not None and facts.started == match[2]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(facts.pid, signal.SIGKILL)


def _remove(project: str, say: Say, removed: Callable[[str, Say], bool]) -> None:
    """Remove a project until nothing of it has appeared for some seconds."""
    calm_since_s: float | None = None

    def is_calm() -> bool:
        nonlocal calm_since_s
        if not removed(project, say):
            calm_since_s = None
            return False
        calm_since_s = proc.monotonic_s() if calm_since_s is None else calm_since_s
        return proc.monotonic_s() - calm_since_s >= CALM_S

    proc.wait_until(
        is_calm,
        limit_s=LIMIT_S,
        every_s=AGAIN_S,
        failure=f"{project} is still there after {LIMIT_S / 60:g} min. Run `twofold down`.",
    )


def _removed(project: str, say: Say) -> bool:
    """Remove what is there of a project; return whether there was nothing."""
    try:
        engine = docker.Engine()
    except EnvironmentFailure as failure:
        say(str(failure))
        return False
    try:
        if project not in engine.projects():
            return True
        engine.remove(project)
    except docker.NetworkKept as kept:
        say(str(kept))
        return True
    except EnvironmentFailure as failure:  # such as a network that a container is joining
        say(str(failure))
    finally:
        engine.close()
    return False


class _Log:
    """Writes lines with the time to the log, but none twice in a row."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, line: str) -> None:
        if line != self._last:
            with contextlib.suppress(OSError):  # a full disk must not stop the removal
                print(
                    f"{datetime.fromtimestamp(proc.now_s(), UTC):%H:%M:%S} UTC {line}",
                    file=sys.stderr,
                    flush=True,
                )
        self._last = line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
