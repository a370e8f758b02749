"""Seeds of random choices: the one that was asked for, or a new one."""

from __future__ import annotations

import secrets

SEEDS = 2**31
"""Seeds are drawn below this, so that a person can type one."""


def draw(asked: int | None) -> int:
    """Give the seed that was asked for, or draw one."""
    return secrets.randbelow(SEEDS) if asked is None else asked
