"""Mistakes in a configuration file, and their text. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.config.file.positions import Path
from loadtests.model.errors import UsageError

MOST_TOLD = 100
"""More mistakes than this are counted only; such a file is of another kind."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake: where it is, and what is wrong with a way out.

    ``line`` is None where the whole file is meant.
    """

    line: int | None
    key: str
    problem: str


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as people write it: ``workloads.browse.requests[2].path``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """Return the line of a path, or of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def failure(file: str, mistakes: Sequence[Mistake]) -> UsageError:
    """Return the error that says all mistakes of a file, in the order of its lines."""
    ordered = sorted(mistakes, key=lambda mistake: mistake.line or 0)
    count = "a mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    lines = [_line(file, mistake) for mistake in ordered[:MOST_TOLD]]
    if len(ordered) > MOST_TOLD:
        lines.append(f"  … and {len(ordered) - MOST_TOLD} more.")
    return UsageError("\n".join((f"{file} has {count}:", *lines)))


def _line(file: str, mistake: Mistake) -> str:
    place = f"{file}:{mistake.line}" if mistake.line is not None else file
    key = f"{mistake.key}: " if mistake.key else ""
    return f"  {place}: {key}{mistake.problem}"
