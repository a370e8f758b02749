"""The projects in a folder that can be installed themselves: its own, and a workspace's members."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from loadtests.targets.application.project_table import PYPROJECT, read, table

SETUP_PY = "setup.py"
HERE = "."

_EXTRAS = re.compile(r"\[[^\]]*\]$")


def find(
    folder: Path, project: Mapping[str, Any], installed: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the paths of the projects, as words for pip; those of ``installed`` are left out.

    ``project`` is the folder's ``pyproject.toml``. ``installed`` are words for pip, such as
    ``-e .[db]``. Raises :class:`~loadtests.model.errors.UsageError` for a member that cannot be
    read.
    """
    places = [HERE] if _is_installable(folder, project) else []
    places += [
        f"./{place}"
        for place in members(folder, project)
        if _is_installable(folder / place, read(folder / place))
    ]
    done = {place_of(words) for words in installed}
    return tuple(shlex.quote(place) for place in places if posixpath.normpath(place) not in done)


def _is_installable(folder: Path, project: Mapping[str, Any]) -> bool:
    tools = table(project, "tool")
    package = table(tools, "uv").get("package")
    if package is not None:
        return bool(package)
    ways = table(tools, "poetry").get("package-mode"), table(tools, "pdm").get("distribution")
    if False in ways:
        return False
    return "build-system" in project or (folder / SETUP_PY).is_file()


def members(folder: Path, project: Mapping[str, Any]) -> Iterator[str]:
    """Give the folders of the members of uv's workspace, but for those that lie elsewhere.

    ``project`` is the ``pyproject.toml`` of ``folder``.
    """
    workspace = table(table(table(project, "tool"), "uv"), "workspace")
    left_out = _matching(folder, workspace.get("exclude"))
    for place in sorted(_matching(folder, workspace.get("members")) - left_out):
        if (folder / place / PYPROJECT).is_file():
            yield place


def _matching(folder: Path, patterns: object) -> set[str]:
    places = set()
    for pattern in patterns if isinstance(patterns, list) else ():
        with suppress(TypeError, ValueError, NotImplementedError, OSError):  # no pattern
            places |= {path for path in folder.glob(pattern) if path.is_dir()}
    top = folder.resolve()
    inside = (path for path in places if path.resolve().is_relative_to(top))
    names = {path.relative_to(folder).as_posix() for path in inside if ".." not in path.parts}
    return {name for name in names if name != HERE and name.isprintable()}  # a line each


def place_of(words: str) -> str:
    """Return the folder that words for pip install."""
    last = shlex.split(words)[-1].removeprefix("--editable=").removeprefix("file:")
    return posixpath.normpath(_EXTRAS.sub("", last) or HERE)
