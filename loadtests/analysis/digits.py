"""Writes rates and times for people, with plain digits: the rule of every sentence. PURE.

Three significant digits, or all whole ones: 1916, 106, 52.3, 2.31, 0.823. Never an exponent.
"""

from __future__ import annotations

UNKNOWN = "–"


def figure(value: float | None) -> str:
    """Return a rate or a time with three significant digits, or all whole ones."""
    return UNKNOWN if value is None else fixed(value, decimals(value))


def change(value: float) -> str:
    """Return a change of a rate or a time with its sign, in the digits of :func:`figure`."""
    places = decimals(value)
    return f"{round(value, places) + 0.0:+.{places}f}"


def decimals(value: float) -> int:
    """Return the decimals that leave three significant digits once the value is rounded."""
    size = abs(float(f"{value:.3g}"))
    if size == 0 or size >= 100:
        return 0
    return 1 if size >= 10 else 2 if size >= 1 else 3


def fixed(value: float, places: int) -> str:
    """Return a number with so many decimals; zero has no sign."""
    return f"{round(value, places) + 0.0:.{places}f}"
