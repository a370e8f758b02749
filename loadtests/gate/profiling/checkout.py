"""Finds the files that ran in the checkout, so that a remark can stand at their lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from loadtests.tools import git


def find(here: Path, texts: Mapping[str, str | None]) -> dict[str, str]:
    """Return the path in the checkout of each file whose text is the same there.

    ``texts`` are those of the files that ran. A file with another text is another version, and its
    lines would be wrong. Of several with the same text, it is the one with the most in common at
    the end of its path; none, if that is not one alone.
    """
    top = git.toplevel(here)
    if top is None:
        return {}
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in git.files_of(top):
        by_name[PurePosixPath(path).name].append(path)
    chosen = {}
    for file, text in texts.items():
        same = [
            path for path in by_name[PurePosixPath(file).name] if text and _text(top / path) == text
        ]
        best = max((_common(file, path) for path in same), default=0)
        longest = [path for path in same if _common(file, path) == best]
        if len(longest) == 1:
            chosen[file] = longest[0]
    return chosen


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _common(one: str, other: str) -> int:
    """Return how many parts two paths have in common at their ends."""
    count = 0
    for left, right in zip(
        reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False
    ):
        if left != right:
            break
        count += 1
    return count
