"""Maps values to places in a drawing. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NICE_STEPS = (1, 2, 5, 10)
"""The steps between ticks that people count in, by powers of ten (Wilkinson 2005, chapter 6)."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A straight line from values ``low``…``high`` to places ``start``…``end``.

    Calling it gives a place with one decimal, kept inside the drawing.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        width = self.high - self.low or 1.0
        share = min(1.0, max(0.0, (value - self.low) / width))
        return round(self.start + share * (self.end - self.start), 1)


def ticks(low: float, high: float, *, about: int = 4) -> tuple[float, ...]:
    """Return round values in ``low``…``high``, about ``about`` of them."""
    step = nice_step((high - low) / about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))


def nice_step(rough: float) -> float:
    """Return the nice step nearest above ``rough``; 1 where that is not positive."""
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in NICE_STEPS if step * power >= rough * 0.999)


def span(values: Iterable[float], *, around: tuple[float, float]) -> tuple[float, float]:
    """Return the range that contains ``around`` and all values."""
    all_values = [*values, *around]
    return min(all_values), max(all_values)
