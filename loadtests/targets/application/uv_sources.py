"""Finds packages that uv or Poetry takes from elsewhere than the index, where an image cannot.

pip does not read ``[tool.uv.sources]``. It would install what a stranger calls by the same name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from loadtests.model.errors import UsageError
from loadtests.targets.application import own_projects
from loadtests.targets.application.project_table import PYPROJECT, read, table

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)")

KINDS = ("path", "git", "url", "index")
"""What a source may name."""

Source = Mapping[str, Any]


def check(folder: Path, project: Mapping[str, Any]) -> None:
    """Raise :class:`UsageError` if a listed package has a source, which pip does not read.

    ``project`` is the folder's ``pyproject.toml``. The workspace around it has sources, too.
    """
    root = _workspace_around(folder.resolve())
    for name, source in _of_listed(project, read(root) if root else {}):
        check_place(folder, name, source.get("path"))
        raise UsageError(_refusal(folder, name, source, root))


def check_locked(folder: Path, project: Mapping[str, Any], *, is_uv: bool) -> None:
    """Raise :class:`UsageError` if a package that is locked lies outside of the folder."""
    if is_uv:
        sources = _of_listed(project)
    else:
        sources = _each(table(table(table(project, "tool"), "poetry"), "dependencies"))
    for name, source in sources:
        if not source.get("optional"):
            check_place(folder, name, source.get("path"))


def check_place(folder: Path, name: str, path: object) -> None:
    """Raise :class:`UsageError` if the path of a package leads out of the folder."""
    if isinstance(path, str) and leads_out(path):
        raise UsageError(
            f"{folder / PYPROJECT} takes {name} from {path}, which lies outside of {folder}, so no"
            " image of the folder has it. Copy it into the folder, or name a Dockerfile."
        )


def leads_out(path: str) -> bool:
    """Tell whether a path leads out of the folder that it starts from; an absolute one does."""
    normal = posixpath.normpath(path)
    return normal == ".." or normal.startswith(("/", "../"))


def _refusal(folder: Path, name: str, source: Source, root: Path | None) -> str:
    """Return why a package with such a source is not installed, and what to do."""
    if source.get("workspace") and root is not None:
        place = folder.resolve().relative_to(root).as_posix()
        return (
            f"{folder / PYPROJECT} needs {name}, which lies in the workspace of {root}, so no image"
            f" of the folder has it. Start there (twofold run {place}/…), or name a Dockerfile."
        )
    kind = next((kind for kind in KINDS if kind in source), None)
    where = f"its {kind}, {source[kind]}" if kind else "its workspace"
    return (
        f"{folder / PYPROJECT} takes {name} from {where} (tool.uv.sources), which pip does not"
        " read: it would install what has that name on the index. Write a uv.lock (uv lock), or"
        " name a Dockerfile."
    )


def _workspace_around(folder: Path) -> Path | None:
    """Return the folder of the workspace that a project is a member of, in the same checkout."""
    if (folder / ".git").exists():
        return None
    for parent in folder.parents:
        with suppress(UsageError):  # another project's file is not ours to judge
            place = folder.relative_to(parent).as_posix()
            if place in own_projects.members(parent, read(parent)):
                return parent
        if (parent / ".git").exists():
            return None
    return None


def _of_listed(*projects: Mapping[str, Any]) -> Iterator[tuple[str, Source]]:
    """Give the packages that the first project lists, with their sources in any of the projects."""
    tables = [table(table(table(project, "tool"), "uv"), "sources") for project in projects]
    sources: dict[str, Source] = {}
    for name, source in (pair for sources_of_one in tables for pair in _each(sources_of_one)):
        sources.setdefault(canonicalize_name(name), source)
    listed = table(projects[0], "project").get("dependencies")
    for requirement in listed if isinstance(listed, list) else ():
        match = _NAME.match(str(requirement))
        if match is not None and (key := canonicalize_name(match[1])) in sources:
            yield match[1], sources[key]


def _each(sources: Mapping[str, Any]) -> Iterator[tuple[str, Source]]:
    """Give the sources of each package; it may have several, such as one for each system."""
    for name, entry in sources.items():
        for source in entry if isinstance(entry, list) else (entry,):
            if isinstance(source, Mapping):
                yield name, source
