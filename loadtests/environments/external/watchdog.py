"""Gives a deployment its number of replicas back when the harness ends without having done so.

``python -m loadtests.environments.external.watchdog <job>`` waits for the end of the harness. The
job is JSON: the command, its time limit, and the file with the note of what the harness did last. A
deployment that somebody uses must not stay at the one replica of a cell because a CI job was
cancelled.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.environments.external import record as records
from loadtests.environments.external.hooks import with_own
from loadtests.environments.guards import watching
from loadtests.environments.guards.watching import DONE, Guard
from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_YES, EnvironmentFailure, ProcessFailure
from loadtests.tools import proc, temporary

LIMIT_S = 900.0
"""How long a hook that fails is tried again."""

AGAIN_S = 5.0


def guard(
    argv: Sequence[str], *, limit_s: float, log: Path, record: Path | None = None
) -> AbstractContextManager[Guard]:
    """Provide a guard that runs a command unless the block notes that it was done.

    The command in the note ``record`` wins: it knows what the harness did last.
    """
    noted = None if record is None else str(record)
    job = json.dumps({"argv": list(argv), "limit_s": limit_s, "record": noted})
    return watching.guard(__name__, (job,), log=log)


def main(job: str) -> int:
    """Wait for the end of the harness, run the command until it succeeds; return the exit code."""
    if DONE in watching.watch():
        return EXIT_YES
    try:
        return _put_back(json.loads(job))
    finally:
        temporary.remove_abandoned()


def _put_back(order: Mapping[str, Any]) -> int:
    """Run the command until it succeeds; return the exit code."""
    noted = records.read(Path(order["record"])) if order.get("record") else None
    argv = tuple(order["argv"]) if noted is None else with_own(noted.back)
    try:
        proc.wait_until(
            lambda: _succeeds(argv, float(order["limit_s"])),
            limit_s=LIMIT_S,
            every_s=AGAIN_S,
            failure=f"The deployment could not be scaled back: {' '.join(argv)}",
        )
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return EXIT_ENVIRONMENT
    if noted is not None:
        records.forget(noted.path)
    print(f"Scaled back: {' '.join(argv)}", file=sys.stderr)
    return EXIT_YES


def _succeeds(argv: tuple[str, ...], limit_s: float) -> bool:
    try:
        proc.run(argv, env=python_path(), timeout_s=limit_s)
    except ProcessFailure as failure:
        print(failure, file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
