"""The boxes of a flame graph from the looks at one cell, coloured by growth. PURE.

A flame graph (Gregg, *The Flame Graph*, ACM Queue 14(2), 2016): a box is a function, its width the
time per request in it and in what it called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.analysis.profiles import frames as of_request
from loadtests.analysis.profiles.shares import MILLISECONDS, Requests
from loadtests.model.profiles.records import CellProfile
from loadtests.model.profiles.results import FlameNode

LEAST_SHARE = 0.005
"""Boxes narrower than this share are left out: half a pixel of a hundred is no picture."""

MOST_DEPTH = 120
"""Boxes above one another in a graph, whose tree is walked by recursion; Python ends that at 1000
calls."""

OUTER = "… (outer functions)"
"""The label of a box that stands for those that are left out above the ones below it."""


@dataclass
class _Node:
    ms: float = 0.0
    children: dict[str, _Node] = field(default_factory=dict)


def flame_of(large: CellProfile, small: CellProfile | None) -> FlameNode | None:
    """Return the flame graph of a cell, with each box's change against a smaller cell.

    None where no request was seen.
    """
    tree = _tree(large)
    if tree is None or not tree.ms:
        return None
    before = _tree(small) if small is not None else None
    return _box("a request in the application", tree, before, tree.ms, compared=before is not None)


def difference(
    label: str, after: Mapping[tuple[str, ...], float], before: Mapping[tuple[str, ...], float]
) -> FlameNode:
    """Return the flame graph of labelled paths with their ms, and each box's change.

    A difference flame graph: the widths are those of ``after``, the changes against ``before``.
    """
    tree, old = _grown(after), _grown(before)
    return _box(label, tree, old, tree.ms, compared=True)


def _grown(paths: Mapping[tuple[str, ...], float]) -> _Node:
    root = _Node()
    for path, ms in paths.items():
        node = root
        node.ms += ms
        for name in _innermost(path):
            node = node.children.setdefault(name, _Node())
            node.ms += ms
    return root


def _innermost(path: Sequence[str]) -> Sequence[str]:
    """Return a path, its outermost part as one label where it is too deep for a graph."""
    return path if len(path) <= MOST_DEPTH else (OUTER, *path[1 - MOST_DEPTH :])


def collapsed(profile: CellProfile) -> str:
    """Return the requests' stacks as collapsed text: ``outer;inner;[kind] microseconds`` a line.

    Flame graph programs and speedscope read it.
    """
    requests = Requests(profile)
    if not profile.looks or not profile.throughput_rps:
        return ""
    counts: dict[str, int] = {}
    for look in profile.looks:
        for number in look.stacks:
            if requests.frames[number]:
                path = ";".join(_labels(requests, number))
                counts[path] = counts.get(path, 0) + 1
    each_us = 1e6 * profile.processes / (profile.rate_rps * len(profile.looks))
    rows = sorted(counts.items())
    return "".join(f"{path} {max(1, round(count * each_us))}\n" for path, count in rows)


def _labels(requests: Requests, number: int) -> list[str]:
    kind = requests.stack(number).kind
    named = [f"{short(frame.file)} {frame.name}" for frame in requests.frames[number]]
    return [*named, f"[{kind}]"]


def short(file: str) -> str:
    """Return a file as a person says it: its package and path, or the last two parts."""
    found = of_request.PACKAGES.search(file)
    parts = file[found.end() :].split("/") if found else file.split("/")[-2:]
    return "/".join(parts).replace(";", ",").strip("/")


def _tree(profile: CellProfile) -> _Node | None:
    if not profile.looks or not profile.throughput_rps:
        return None
    requests = Requests(profile)
    each = MILLISECONDS * profile.processes / (profile.rate_rps * len(profile.looks))
    root = _Node()
    for look in profile.looks:
        for number in look.stacks:
            if not requests.frames[number]:
                continue
            node = root
            node.ms += each
            for label in _innermost(_labels(requests, number)):
                node = node.children.setdefault(label, _Node())
                node.ms += each
    return root


def _box(
    label: str, node: _Node, before: _Node | None, whole_ms: float, *, compared: bool
) -> FlameNode:
    old: Mapping[str, _Node] = before.children if before is not None else {}
    children = sorted(node.children.items(), key=lambda item: (-item[1].ms, item[0]))
    return FlameNode(
        label=label,
        ms=node.ms,
        change_ms=node.ms - (before.ms if before is not None else 0.0) if compared else None,
        children=tuple(
            _box(name, child, old.get(name), whole_ms, compared=compared)
            for name, child in children
            if child.ms >= LEAST_SHARE * whole_ms
        ),
    )
