"""How much memory each container of the user's target may use, where the user sets no limit."""

from __future__ import annotations

from loadtests.tools.docker import Engine

LEAST_BESIDE_BYTES = 1 << 30
"""Least memory of a service beside the replicas: the engines of stores refuse to start with less,
or set their caches by it."""


def memory_share(engine: Engine, replicas: int) -> int:
    """Return the bytes that each replica may use, so that all of them use half of the memory."""
    return int(engine.facts()["MemTotal"]) // 2 // replicas


def beside_share(engine: Engine) -> int:
    """Return the bytes that each service beside the replicas may use: the other half.

    A limit is no reservation: a store that takes much beside others that take little gets it, and
    no service alone can take the machine's memory.
    """
    return max(LEAST_BESIDE_BYTES, memory_share(engine, 1))
