"""Views that do work: one computes, one waits for another service."""

from __future__ import annotations

import hashlib
import time

from flask import Blueprint

from app.parameters import whole_number

blueprint = Blueprint("work", __name__)

CPU_ROUNDS = 20_000
"""Rounds of hashing: about 1.5 ms on a server core of the 2020s. With Flask and gunicorn a request
takes about 2 ms of CPU."""
CPU_ROUNDS_MAX = 10_000_000
"""Rounds of hashing: about one second, so that no request holds a worker for long."""
IO_MS = 50
"""Milliseconds: a call to a busy service in the same data centre."""
IO_MS_MAX = 60_000
"""Milliseconds; after a minute the proxy in front has given up."""

BLOCK = bytes(64)
"""One block of SHA-256. It stands for ordinary Python code, which holds the interpreter lock;
hashlib releases the lock from 2,048 bytes up."""


def spin(rounds: int) -> str:
    """Hash one block ``rounds`` times, holding the interpreter lock, and return the digest."""
    digest = hashlib.sha256()
    for _ in range(rounds):
        digest.update(BLOCK)
    return digest.hexdigest()


@blueprint.get("/cpu")
def cpu() -> dict[str, object]:
    """Compute ``?rounds=`` rounds of hashing."""
    rounds = whole_number("rounds", default=CPU_ROUNDS, low=1, high=CPU_ROUNDS_MAX)
    return {"rounds": rounds, "digest": spin(rounds)}


@blueprint.get("/io")
def io() -> dict[str, object]:
    """Wait for ``?ms=`` milliseconds, as for a call to another service.

    The thread or process is blocked meanwhile. A greenlet is not: gunicorn patches the sleep.
    """
    wait_ms = whole_number("ms", default=IO_MS, low=0, high=IO_MS_MAX)
    time.sleep(wait_ms / 1000)
    return {"ms": wait_ms}
