"""How much memory each container of the user's target may use, where the user sets no limit."""

from __future__ import annotations

from loadtests.tools.docker import Engine

LEAST_BESIDE_BYTES = 1 << 30
"""Least memory of a service beside the replicas: the engines of stores refuse to start with less,
or set their caches by it."""


def memory_share(engine: Engine, replicas: int) -> int:
    """Return the bytes that each replica may use, so that all of them use half of the memory."""
    return int(engine.facts()["MemTotal"]) // 2 // replicas


def beside_share(engine: Engine, services: int) -> int:
    """Return the bytes that each service beside the replicas may use: parts of the other half.

    They are no less than :data:`LEAST_BESIDE_BYTES`, so that many together may exceed that half.
    """
    return max(LEAST_BESIDE_BYTES, memory_share(engine, max(1, services)))
