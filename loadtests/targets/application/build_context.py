"""The files of a project's folder that belong into an image of its application."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.utils.build import PatternMatcher

from loadtests.model.errors import UsageError

IGNORE_FILE = ".dockerignore"

NEVER = frozenset(
    {
        *(".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".cache"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".idea", ".vscode"),
    }
)
"""Folders that no application needs, whatever ``.dockerignore`` says."""

RESULTS = Path("results")
"""Where Twofold writes by default; an application may have a folder of this name, too."""

_RUN = re.compile(r"(?:gate-)?\d{8}-\d{6}-[0-9a-f]{4}")
"""How the folder of a run or a gate is called, even before it has files."""

OF_A_RUN = ("plan.json", "run.json", "verdict.json")
HISTORY = "history.jsonl"

LARGE_BYTES = 300 * 10**6
"""A larger folder is worth a word: all of it is copied and sent to the engine."""

LIMIT_BYTES = 4 * 10**9
"""A larger folder is refused: no application has so much code."""

NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Context:
    """A project's files, as paths below its folder, and the bytes of each entry of the folder."""

    folder: Path
    files: tuple[Path, ...]
    sizes: Counter[str]

    @property
    def largest(self) -> str:
        """The largest entries of the folder, for people."""
        return ", ".join(
            f"{name} ({size / 1e6:.0f} MB)" for name, size in self.sizes.most_common(NAMED)
        )


def find(folder: Path) -> Context:
    """Return what of a folder belongs into an image; raise :class:`UsageError` if it is too much.

    Left out are what ``.dockerignore`` names, virtual environments, ``NEVER``, and Twofold's own
    results.
    """
    files = tuple(_walk(folder, patterns_in(folder / IGNORE_FILE)))
    sizes: Counter[str] = Counter()
    for file in files:
        sizes[file.parts[0]] += (folder / file).lstat().st_size
    context = Context(folder=folder, files=files, sizes=sizes)
    if sizes.total() > LIMIT_BYTES:
        raise UsageError(
            f"The folder {folder} has {sizes.total() / 1e9:.1f} GB, and all of it would go into the"
            f" image. The largest parts: {context.largest}. Name what the application does not need"
            f" in {folder / IGNORE_FILE}, or run without containers: --backend processes."
        )
    return context


def copy(context: Context, place: Path) -> None:
    """Copy a context's files to a folder; links stay links, and empty folders are left out.

    Raises :class:`UsageError` for a file that cannot be read.
    """
    for file in context.files:
        target = place / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(context.folder / file, target, follow_symlinks=False)
        except OSError as error:
            raise UsageError(
                f"{context.folder / file} cannot be copied into the image ({error.strerror})."
                f" Name it in {context.folder / IGNORE_FILE} if the application does not need it."
            ) from error


def note(context: Context) -> str | None:
    """Return a sentence about a large context, or None."""
    if context.sizes.total() <= LARGE_BYTES:
        return None
    return (
        f"The image gets {context.sizes.total() / 1e6:.0f} MB of {context.folder}. The largest"
        f" parts: {context.largest}. {IGNORE_FILE} can leave them out."
    )


def _walk(folder: Path, patterns: list[str]) -> Iterator[Path]:
    matcher = PatternMatcher(patterns)

    def ignored(path: Path) -> bool:
        # It takes text, whatever its stub says.
        return bool(matcher.matches(str(path)))  # type: ignore[arg-type]

    brings_back = any(pattern.startswith("!") for pattern in patterns)
    for base, folders, names in os.walk(folder):
        place = Path(base)
        here = place.relative_to(folder)
        links = [name for name in folders if (place / name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name not in NEVER and name not in links
            if not _is_run(place / name, here)
            if brings_back or not ignored(here / name)
            if not os.path.isfile(place / name / "pyvenv.cfg")  # noqa: PTH113  a path may raise
        ]
        for name in (*names, *links):
            if here == RESULTS and name == HISTORY:
                continue
            if not ignored(here / name) and _belongs(place / name):
                yield here / name


def _is_run(folder: Path, parent: Path) -> bool:
    """Return whether a folder below ``parent`` is a run of Twofold's in its results."""
    if parent != RESULTS:
        return False
    return bool(_RUN.fullmatch(folder.name)) or any((folder / name).is_file() for name in OF_A_RUN)


def _belongs(path: Path) -> bool:
    """Return whether a path can be copied: a link, or a file that this user may read.

    Sockets and pipes are left out, as builders do.
    """
    return path.is_symlink() or (path.is_file() and os.access(path, os.R_OK))


def patterns_in(*files: Path) -> list[str]:
    """Return the patterns of the first of these files that can be read."""
    for file in files:
        try:
            lines = file.read_text(errors="replace", encoding="utf-8").splitlines()
        except OSError:
            continue
        stripped = (line.strip() for line in lines)
        return [line for line in stripped if line and not line.startswith("#")]
    return []
