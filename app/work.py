"""Requests that cost something: computing, and waiting for somebody else."""

from __future__ import annotations

import hashlib
import time

from flask import Blueprint

from app.parameters import whole_number

blueprint = Blueprint("work", __name__)

CPU_ROUNDS = 20_000
"""Rounds: about 1.5 ms of a 2020s server core; with Flask and gunicorn around it a request
costs about 2 ms."""
CPU_ROUNDS_MAX = 10_000_000
"""Rounds: about one second, so that no request can hold a worker for long."""
IO_MS = 50
"""Milliseconds: a downstream call in the same data centre that has work to do itself."""
IO_MS_MAX = 60_000
"""Milliseconds: past a minute the proxy in front has given up."""

BLOCK = bytes(64)
"""One block of SHA-256. hashlib lets go of the interpreter lock from 2,048 bytes up; ordinary
Python code never does, and it is ordinary code that this stands for."""


def spin(rounds: int) -> str:
    """Hash one block ``rounds`` times, holding the interpreter lock, and return the digest."""
    digest = hashlib.sha256()
    for _ in range(rounds):
        digest.update(BLOCK)
    return digest.hexdigest()


@blueprint.get("/cpu")
def cpu() -> dict[str, object]:
    """Compute: ``?rounds=`` rounds of hashing."""
    rounds = whole_number("rounds", default=CPU_ROUNDS, low=1, high=CPU_ROUNDS_MAX)
    return {"rounds": rounds, "digest": spin(rounds)}


@blueprint.get("/io")
def io() -> dict[str, object]:
    """Wait for ``?ms=`` milliseconds, as for a downstream call.

    A thread waits, a process waits, a greenlet lets the others run: gunicorn patches the sleep.
    """
    wait_ms = whole_number("ms", default=IO_MS, low=0, high=IO_MS_MAX)
    time.sleep(wait_ms / 1000)
    return {"ms": wait_ms}
