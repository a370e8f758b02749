"""Gives a deployment its number of replicas back when the harness ends without having done so.

``python -m loadtests.environments.external.watchdog <job>`` waits for the end of the harness. The
job is JSON: the command, its folder, its time limit, and the file with the note of what the harness
did last. A deployment that somebody uses must not stay at the one replica of a cell because a CI
job was cancelled. With a note, a number that somebody else has set since is left as it is, as
``twofold down`` leaves it; without one, the command is run in any case.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import leave_python_path
from loadtests.environments.external import record as records
from loadtests.environments.external.hooks import by_hand, env_of, with_own
from loadtests.environments.external.record import Record
from loadtests.environments.guards import watching
from loadtests.environments.guards.watching import DONE, Guard
from loadtests.environments.removal import KeptBySystem
from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_YES, EnvironmentFailure
from loadtests.tools import proc, temporary

LIMIT_S = 900.0
"""How long a hook that fails is tried again."""

AGAIN_S = 5.0


def guard(
    argv: Sequence[str],
    *,
    limit_s: float,
    log: Path,
    record: Path | None = None,
    folder: Path | None = None,
) -> AbstractContextManager[Guard]:
    """Provide a guard that runs a command in a folder unless the block notes that it was done.

    Where there is the note ``record``, the number is put back by it instead: it knows what the
    harness did last.
    """
    noted = None if record is None else str(record)
    place = None if folder is None else str(folder)
    job = json.dumps({"argv": list(argv), "limit_s": limit_s, "record": noted, "folder": place})
    return watching.guard(__name__, (job,), log=log)


def main(job: str) -> int:
    """Wait for the end of the harness, put the number back; return the exit code."""
    if DONE in watching.watch():
        return EXIT_YES
    try:
        return _put_back(json.loads(job))
    finally:
        temporary.remove_abandoned()


def _put_back(order: Mapping[str, Any]) -> int:
    """Run the command until it succeeds; return the exit code."""
    noted = records.read(Path(order["record"])) if order.get("record") else None
    folder = Path(order["folder"]) if order.get("folder") else None
    argv = tuple(order["argv"])
    what = " ".join(argv) if noted is None else by_hand(noted.hooks, noted.back)
    try:
        proc.wait_until(
            lambda: (
                _succeeds(argv, folder, float(order["limit_s"]))
                if noted is None
                else _is_restored(noted)
            ),
            limit_s=LIMIT_S,
            every_s=AGAIN_S,
            failure=f"The deployment could not be scaled back: {what}",
        )
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return EXIT_ENVIRONMENT
    return EXIT_YES


def _is_restored(noted: Record) -> bool:
    """Try to put the number back; return whether nothing is left to do.

    A note that is gone or another run's means that somebody did it meanwhile.
    """
    now = records.read(noted.path)
    if now is None or now.owner != noted.owner:
        print("The number of replicas is put back by another program.", file=sys.stderr)
        return True
    try:
        records.restore(noted)
    except KeptBySystem as kept:
        print(kept, file=sys.stderr)
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return False
    else:
        print(f"Scaled back: {by_hand(noted.hooks, noted.back)}", file=sys.stderr)
    return True


def _succeeds(argv: tuple[str, ...], folder: Path | None, limit_s: float) -> bool:
    try:
        proc.run(with_own(argv), cwd=folder, env=env_of(argv), timeout_s=limit_s, may_leave=True)
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return False
    print(f"Scaled back: {' '.join(argv)}", file=sys.stderr)
    return True


if __name__ == "__main__":
    leave_python_path()
    sys.exit(main(sys.argv[1]))
