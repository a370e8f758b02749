"""Reads PDM's lock and ``pylock.toml``, which pip cannot read: the version of each package.

``pylock.toml`` is specified at packaging.python.org; several tools write it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.model.errors import UsageError
from loadtests.targets.application.project_table import parsed, table

PDM_LOCK, PYLOCK = "pdm.lock", "pylock.toml"

TABLES: Mapping[str, str] = {PDM_LOCK: "package", PYLOCK: "packages"}
"""The array of packages in each lock; that of a project's own tool is looked for first."""

PLACES = ("git", "hg", "svn", "bzr", "path", "url", "vcs", "directory", "archive")
"""Keys of a package that comes from elsewhere than an index."""

_GROUPS = re.compile(r"\b(?:extras|dependency_groups)\b")
"""What a lock's markers may ask for and pip's may not."""

_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"[\w.+!-]+", re.ASCII)

Package = Mapping[str, Any]


def find(folder: Path) -> str | None:
    """Return the name of the lock that a folder has; None without one."""
    return next((name for name in TABLES if (folder / name).is_file()), None)


def constraints(folder: Path, name: str) -> str:
    """Return the versions of a lock as constraints for pip.

    Of a package that is locked at several versions, its marker says which counts. What comes from
    elsewhere than an index is named by its place in the project's file. Raises
    :class:`UsageError` for a lock that cannot be read.
    """
    packages = [each for each in _packages(folder, name) if _place(each) is None]
    versions: dict[str, set[str]] = defaultdict(set)
    for each in packages:
        versions[each["name"]].add(each["version"])
    lines = (_pin(each, is_alone=len(versions[each["name"]]) == 1) for each in packages)
    return "".join(f"{line}\n" for line in dict.fromkeys(lines) if line is not None)


def listed(folder: Path) -> list[str]:
    """Return what ``pylock.toml`` lists, as requirements for pip, without extras and groups.

    The folder itself is left out. Raises :class:`UsageError` for a lock that cannot be read, and
    for a package that comes from elsewhere than an index.
    """
    lines = []
    for each in _packages(folder, PYLOCK):
        place, marker = _place(each), _marker(each)
        if place == "directory" and table(each, "directory").get("path") == ".":
            continue
        if place is not None:
            raise UsageError(
                f"{folder / PYLOCK} takes {each['name']} from its {place}, which is not read"
                " there. List the packages in a requirements.txt, or name a Dockerfile."
            )
        if marker is None or not _GROUPS.search(marker):
            line = f"{each['name']}=={each['version']}"
            lines.append(line if marker is None else f"{line} ; {marker}")
    return lines


def _packages(folder: Path, name: str) -> Iterator[Package]:
    """Give the packages of a lock that have a name, and a version or a place."""
    entries = parsed(folder, name).get(TABLES[name])
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping) or not _NAME.fullmatch(str(entry.get("name", ""))):
            continue
        if _place(entry) is not None or _VERSION.fullmatch(str(entry.get("version", ""))):
            yield entry


def _place(package: Package) -> str | None:
    return next((place for place in PLACES if package.get(place)), None)


def _marker(package: Package) -> str | None:
    marker = package.get("marker")
    return marker if isinstance(marker, str) and "\n" not in marker else None


def _pin(package: Package, *, is_alone: bool) -> str | None:
    line = f"{package['name']}=={package['version']}"
    if is_alone:
        return line
    marker = _marker(package)
    return None if marker is None or _GROUPS.search(marker) else f"{line} ; {marker}"
