"""Figures of a benchmark, and the bounds that they must keep. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One benchmark item: its figures and their bounds.

    A bound is a figure's name, a kind (``at_least``, ``at_most`` or ``is``) and a value.
    """

    figures: Json
    bounds: Sequence[tuple[str, str, Any]]

    @property
    def failed(self) -> list[str]:
        """The bounds that do not hold, as sentences."""
        return [
            f"{name} is {self.figures[name]}, not {kind.replace('_', ' ')} {bound}"
            for name, kind, bound in self.bounds
            if not HOLDS[kind](self.figures[name], bound)
        ]

    @property
    def bounds_by_figure(self) -> Json:
        """The bounds as they are written beside the figures."""
        return {name: {kind: bound} for name, kind, bound in self.bounds}


HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda figure, bound: bool(figure >= bound),
    "at_most": lambda figure, bound: bool(figure <= bound),
    "is": lambda figure, bound: bool(figure == bound),
}


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds of ours ÷ theirs; a round's common effects cancel."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def excess(measured_ms: float, true_ms: float) -> float:
    """Return a figure's error as a share of the allowed error (the larger of 0.3 ms and 2 %)."""
    return abs(measured_ms - true_ms) / max(0.3, 0.02 * true_ms)
