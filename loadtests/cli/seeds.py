"""Chooses the seed of a run or a gate."""

from __future__ import annotations

import secrets

SEEDS = 2**31
"""Upper limit of a random seed, so that it is short to type."""


def draw(seed: int | None) -> int:
    """Return the given seed, or a random one."""
    return secrets.randbelow(SEEDS) if seed is None else seed
