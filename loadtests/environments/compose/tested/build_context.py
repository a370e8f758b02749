"""The size of a build's context: it is sent to the engine before anything is built."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from docker.utils.build import PatternMatcher

from loadtests.model.errors import UsageError
from loadtests.targets.application.build_context import IGNORE_FILE, patterns_in

LIMIT_BYTES = 4 * 10**9
"""A larger context is data that lies beside the application; no image needs so much source."""

NAMED = 3
"""How many of the largest entries a message names."""


def check(folder: Path, dockerfile: Path) -> None:
    """Raise :class:`UsageError` if a context is too large to be sent, naming what is large."""
    own = dockerfile.with_name(f"{dockerfile.name}{IGNORE_FILE}")
    sizes = sizes_of(folder, patterns_in(own, folder / IGNORE_FILE))
    total = sum(sizes.values())
    if total > LIMIT_BYTES:
        largest = ", ".join(f"{name} ({_size(size)})" for name, size in sizes.most_common(NAMED))
        raise UsageError(
            f"The build context {folder} has {_size(total)}, and all of it would be sent to the"
            f" engine. The largest parts: {largest}. Name what the image does not need in"
            f" {folder / IGNORE_FILE}, or build the image yourself and name it (--image)."
        )


def sizes_of(folder: Path, patterns: list[str]) -> Counter[str]:
    """Return the bytes that each entry of a context adds to what is sent."""
    matcher = PatternMatcher(patterns)
    sizes: Counter[str] = Counter()
    with suppress(PermissionError):  # of a closed folder; the builder will say so
        for path in matcher.walk(str(folder)) if patterns else _files(folder):
            try:
                status = (folder / path).lstat()
            except OSError:  # it is gone, or may not be read: the builder will say so
                continue
            if not os.path.isdir(folder / path):  # noqa: PTH112  a folder adds nothing itself
                sizes[path.partition(os.sep)[0]] += status.st_size
    return sizes


def _files(folder: Path) -> list[str]:
    return [
        os.path.relpath(Path(base) / name, folder)
        for base, _, names in os.walk(folder)
        for name in names
    ]


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
