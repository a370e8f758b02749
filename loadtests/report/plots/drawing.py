"""The elements of a drawing: places and texts, ready for the templates. PURE.

A :class:`Panel` has places in its own pixels and is scaled as a whole. A :class:`Strip` has places
in per cents of its width, so it fits a column of any width while its texts keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass

PANEL_WIDTH = 320
PANEL_HEIGHT = 230
LEFT, RIGHT, TOP, BOTTOM = 46, 308, 14, 190
"""The edges of a panel's plot: room for ticks at the left, for ticks and a title below."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A value on an axis: its place and its text."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One observation; ``tip`` is shown when it is pointed at."""

    x: float
    y: float
    tip: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An estimate with its interval from ``low`` to ``high``, as places; None without one."""

    x: float
    y: float
    low: float | None
    high: float | None
    text: str
    text_x: float
    text_y: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through points (``x,y x,y …``) with a text at its end; ``kind`` is its CSS class."""

    points: str
    kind: str
    text: str = ""
    text_x: float = 0.0
    text_y: float = 0.0
    anchor: str = "end"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One plot; ``series`` is the number of its colour, ``description`` its content in words."""

    title: str
    series: int
    description: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    band: str = ""
    dots: tuple[Dot, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Strip:
    """An interval on a row: dots, a bar from ``low`` to ``high`` and an estimate, in per cents."""

    series: int
    estimate: float | None
    low: float | None
    high: float | None
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A value that all strips are compared with; ``anchor`` is the side of its text."""

    at: float
    text: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What the strips of one table share: ticks, and lines that go through all rows."""

    ticks: tuple[Tick, ...]
    references: tuple[Reference, ...]


def points(places: list[tuple[float, float]]) -> str:
    """Return places as the points of an SVG line or area."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)
