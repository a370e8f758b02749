"""Parses a latency objective. PURE."""

from __future__ import annotations

import re

from loadtests.model.errors import UsageError
from loadtests.model.latency import Objective

_WRITTEN = re.compile(r"p(\d{1,2}(?:\.\d+)?)\s*[=<]=?\s*(\d+(?:\.\d+)?)\s*(us|ms|s)")
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
MOST_MS = 15_000.0
"""Limit of the wait for answers after a window, in milliseconds."""


def parse(text: str) -> Objective:
    """Return the objective in a text like ``p99=250ms``; raise :class:`UsageError` for others."""
    match = _WRITTEN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"--slo is {text!r}; it has to be a percentile and a time. Try --slo p99=250ms."
        )
    percent, limit_ms = float(match[1]), float(match[2]) * _MS[match[3]]
    if not 50 <= percent <= 99.9:
        raise UsageError(
            f"--slo is {text!r}; its percentile has to be between 50 and 99.9; a higher one needs"
            " more requests than a window has. Try --slo p99=250ms."
        )
    if not 0 < limit_ms <= MOST_MS:
        raise UsageError(
            f"--slo is {text!r}; its time has to be above 0 and at most {MOST_MS / 1000:g} s, the"
            " limit of the wait for answers. Try --slo p99=250ms."
        )
    return Objective(percent=percent, limit_ms=limit_ms)
