"""A latency objective as a person writes it. PURE."""

from __future__ import annotations

import re

from loadtests.model.errors import UsageError
from loadtests.model.latency import Objective

_WRITTEN = re.compile(r"p(\d{1,2}(?:\.\d+)?)\s*[=<]=?\s*(\d+(?:\.\d+)?)\s*(us|ms|s)")
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
MOST_MS = 15_000.0
"""As long as is waited for the answers after a window."""


def parse(text: str) -> Objective:
    """Read ``p99=250ms``; raises :class:`UsageError` with the way out."""
    match = _WRITTEN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"--slo is {text!r}; it names a percentile and a time. Try --slo p99=250ms."
        )
    percent, limit_ms = float(match[1]), float(match[2]) * _MS[match[3]]
    if not 50 <= percent <= 99.9:
        raise UsageError(
            f"--slo is {text!r}; its percentile lies between 50 and 99.9, as more would need more"
            " requests than a window has. Try --slo p99=250ms."
        )
    if not 0 < limit_ms <= MOST_MS:
        raise UsageError(
            f"--slo is {text!r}; its time lies above 0 and is at most {MOST_MS / 1000:g} s, as long"
            " as is waited for an answer. Try --slo p99=250ms."
        )
    return Objective(percent=percent, limit_ms=limit_ms)
