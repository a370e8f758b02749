"""A flame graph as boxes, ready for the templates. PURE.

The outermost function is at the top (an icicle). Places are per cents of the width and rows of the
height, so the drawing fits any width. A box's colour says how its time changed. Of a graph with too
many rows, outer functions are left out, for the inner ones are what somebody looks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loadtests.analysis.digits import change, figure
from loadtests.analysis.profiles.flames import OUTER
from loadtests.model.profiles.results import FlameNode

ROW = 18
"""Pixels of a row: a line of small text."""

MOST_ROWS = 28
"""Some 500 pixels: a graph fits on a screen."""

MOST_BOXES = 300
"""Of one graph, the largest: some 200 bytes each, and a report may have several graphs."""

MOST_IN_TABLE = 60
"""Of one graph, the largest boxes: some 200 bytes each."""

COLUMNS = ("function", "called by", "ms per request", "share", "change, ms")

CHARS_PER_PERCENT = 1.4
"""Characters that fit into one per cent of a page of 1000 pixels."""

GREW, SHRANK = 0.15, -0.15
"""A change of this share of a box's own time gives it a colour."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box: its left edge and width in per cents, its top in pixels, and its texts."""

    x: float
    width: float
    y: int
    label: str
    tip: str
    kind: str
    """``grew``, ``shrank`` or ``same``; a class of the style sheet."""


@dataclass(frozen=True, kw_only=True)
class Flame:
    """A drawing; ``rows`` are its largest boxes as texts, for those who do not see it.

    A row is a function, what called it, its time, its share and, if there is one, its change.
    """

    title: str
    height: int
    boxes: tuple[Box, ...]
    compared: bool
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The heads of the rows."""
        return COLUMNS if self.compared else COLUMNS[:-1]


def flame(title: str, root: FlameNode, *, where: str = "with more replicas") -> Flame:
    """Return the drawing of a flame graph; ``where`` says what the changes are those of."""
    root = replace(root, children=tuple(_low(node, MOST_ROWS - 1) for node in root.children))
    boxes = sorted(_boxes(root, root.ms, 0.0, 0, where), key=lambda box: -box.width)[:MOST_BOXES]
    boxes.sort(key=lambda box: (box.y, box.x))
    depth = max((box.y for box in boxes), default=0) // ROW + 1
    return Flame(
        title=title,
        height=depth * ROW,
        boxes=tuple(boxes),
        compared=root.change_ms is not None,
        rows=_rows(root),
    )


def _low(node: FlameNode, rows: int) -> FlameNode:
    """Return a box with what is below it in so many rows; outer functions become one box.

    That box has all boxes that they called, so nothing further in is left out.
    """
    if _height(node) <= rows:
        return node
    return replace(node, label=OUTER, children=tuple(_parts(node, rows - 1)))


def _parts(node: FlameNode, rows: int) -> Iterator[FlameNode]:
    """Yield the outermost boxes that have so many rows at most."""
    if _height(node) <= rows:
        yield node
        return
    for child in node.children:
        yield from _parts(child, rows)


def _height(node: FlameNode) -> int:
    return 1 + max((_height(child) for child in node.children), default=0)


def _rows(root: FlameNode) -> tuple[tuple[str, ...], ...]:
    """Return the largest boxes, each below what called it."""
    nodes = list(_called(root, ""))
    largest = sorted(nodes, key=lambda entry: -entry[0].ms)[:MOST_IN_TABLE]
    least_ms = largest[-1][0].ms if largest else 0.0
    shown = [entry for entry in nodes if entry[0].ms >= least_ms][:MOST_IN_TABLE]
    return tuple(_row(node, caller, root.ms) for node, caller in shown)


def _called(node: FlameNode, caller: str) -> Iterator[tuple[FlameNode, str]]:
    yield node, caller
    for child in node.children:
        yield from _called(child, node.label)


def _row(node: FlameNode, caller: str, whole_ms: float) -> tuple[str, ...]:
    share = f"{node.ms / whole_ms:.0%}" if whole_ms else ""
    texts = (node.label, caller, figure(node.ms), share)
    return texts if node.change_ms is None else (*texts, change(node.change_ms))


def _boxes(node: FlameNode, whole_ms: float, left: float, depth: int, where: str) -> Iterator[Box]:
    if not whole_ms:
        return
    width = 100 * node.ms / whole_ms
    yield Box(
        x=round(left, 2),
        width=round(width, 2),
        y=depth * ROW,
        label=_fitting(node.label, width),
        tip=_tip(node, whole_ms, where),
        kind=_kind(node),
    )
    for child in node.children:
        yield from _boxes(child, whole_ms, left, depth + 1, where)
        left += 100 * child.ms / whole_ms


def _tip(node: FlameNode, whole_ms: float, where: str) -> str:
    text = f"{node.label}: {figure(node.ms)} ms per request, {node.ms / whole_ms:.0%}"
    if node.change_ms is None:
        return text
    return f"{text}; {change(node.change_ms)} ms {where}"


def _kind(node: FlameNode) -> str:
    if node.change_ms is None or not node.ms:
        return "same"
    share = node.change_ms / node.ms
    return "grew" if share >= GREW else "shrank" if share <= SHRANK else "same"


def _fitting(label: str, width: float) -> str:
    room = int(width * CHARS_PER_PERCENT)
    if len(label) <= room:
        return label
    return f"{label[: room - 1]}…" if room > 3 else ""
