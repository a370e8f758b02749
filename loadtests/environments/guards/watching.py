"""What the watchdogs of all backends have in common.

A watchdog is a child of the harness that outlives it: it waits for the end of its standard input,
which is a pipe that only the harness holds open. So it notices even SIGKILL at once.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.child_python import module_argv, python_path
from loadtests.model.errors import ProcessFailure
from loadtests.tools import proc, procfs
from loadtests.tools.proc import Child

READY = "watching"
DONE = "done"
PROGRAM = "program"

CLOSE_LIMIT_S = 5.0
START_LIMIT_S = 30.0


def start(module: str, words: Sequence[str], *, log: Path) -> Child:
    """Start a watchdog, and return once it watches."""
    child = Child(module_argv(module, *words), log=log, env=python_path() | proc.NOT_OF_THIS_JOB)
    try:
        child.receive(START_LIMIT_S)
    except BaseException:
        child.close()
        raise
    return child


class Guard:
    """The harness's side of a watchdog."""

    def __init__(self, child: Child, log: Path) -> None:
        self._child = child
        self.log = log
        self._gone = False

    def mind(self, pid: int) -> None:
        """Name a program that has to end before the watchdog can do its work."""
        facts = procfs.facts_of(pid)
        self._tell(f"{PROGRAM} {pid} {facts.started if facts else ''}")

    def note_gone(self) -> None:
        """Note that the harness did the work itself, so that nothing is left to do."""
        self._gone = True
        self._tell(DONE)

    def close(self) -> None:
        """Let the watchdog end; or leave it to its work, if the harness did not do that."""
        if self._gone:
            self._child.close(grace_s=CLOSE_LIMIT_S)
        else:
            self._child.release()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(ProcessFailure):  # somebody killed it; the run needs it not
            self._child.send(line)


@contextmanager
def guard(module: str, words: Sequence[str], *, log: Path) -> Iterator[Guard]:
    """Provide the guard of a watchdog, which does its work unless the block notes it as done."""
    log.parent.mkdir(parents=True, exist_ok=True)
    watched = Guard(start(module, words, log=log), log)
    try:
        yield watched
    finally:
        watched.close()


def watch() -> tuple[str, ...]:
    """In a watchdog: wait for the end of standard input, and return the lines that came.

    Signals that stop the harness do not end the watchdog, but they end what it starts: a program
    inherits a signal that is ignored, and no handler (execve(2)).
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGHUP is under nohup
            signal.signal(number, lambda *_: None)
    print(READY, flush=True)
    return tuple(line.decode(errors="replace").strip() for line in sys.stdin.buffer)
