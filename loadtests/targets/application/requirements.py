"""What a project's folder says of the packages that its application needs."""

from __future__ import annotations

import codecs
import posixpath
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.model.errors import UsageError
from loadtests.targets.application.folders import is_within

UV_LOCK, REQUIREMENTS, PYPROJECT = "uv.lock", "requirements.txt", "pyproject.toml"

_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[ =]*(?P<file>[^\s#]+)")
_LOCAL = re.compile(
    r"\s*(?:-e|--editable)?[ =]*(?:\.{1,2}(?:/[^\s#]*|\[[^\]]*\])?|file:[^\s#]+)\s*"
)
"""A requirement that lies in the project's folder, such as ``-e .`` or ``./lib``."""


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """The packages that an application needs.

    ``kind`` is the file that says so, None if there is none. ``files`` are the texts that have to
    lie beside one another to install them, by their paths. ``local`` are the words for pip of
    what lies in the folder itself. ``python`` is the version that the project asks for, such as
    ``>=3.11``.
    """

    kind: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    local: tuple[str, ...] = ()
    python: str | None = None


def find(folder: Path) -> Requirements:
    """Return a folder's requirements: exact ones come first.

    Raises :class:`UsageError` for a file that cannot be read.
    """
    project = _pyproject(folder)
    table = _table(project, "project")
    asked = table.get("requires-python")
    python = asked if isinstance(asked, str) else None
    if (folder / UV_LOCK).is_file() and project:
        files = {name: _text(folder, name) for name in (PYPROJECT, UV_LOCK)}
        return Requirements(kind=UV_LOCK, files=files, python=python)
    if (folder / REQUIREMENTS).is_file():
        texts: dict[str, str] = {}
        local: list[str] = []
        _collect(folder, REQUIREMENTS, texts, local)
        return Requirements(kind=REQUIREMENTS, files=texts, local=tuple(local), python=python)
    if isinstance(table.get("dependencies"), list):
        text = "".join(f"{requirement}\n" for requirement in table["dependencies"])
        return Requirements(kind=PYPROJECT, files={REQUIREMENTS: text}, python=python)
    if "build-system" in project or "poetry" in _table(project, "tool"):
        return Requirements(kind=PYPROJECT, local=(".",), python=python)
    return Requirements(python=python)


def _collect(folder: Path, name: str, files: dict[str, str], local: list[str]) -> None:
    """Add a requirements file and those that it includes; what is in the folder goes to ``local``.

    A line that names the folder itself has to wait until the code is there.
    """
    kept = []
    files[name] = ""
    for line in _text(folder, name).splitlines():
        included, own = _INCLUDE.match(line), _LOCAL.fullmatch(line.partition(" #")[0])
        if own is not None:
            local.append(shlex.join(line.partition(" #")[0].split()))
            continue
        if included is not None and "://" not in included["file"]:
            path = posixpath.normpath((Path(name).parent / included["file"]).as_posix())
            if path.startswith(("/", "../")):
                raise UsageError(
                    f"{folder / name} includes {included['file']}, which lies outside of {folder},"
                    " so no image of the folder has it. Copy it into the folder."
                )
            if path not in files:
                _collect(folder, path, files, local)
        kept.append(line)
    files[name] = "".join(f"{line}\n" for line in kept)


def _text(folder: Path, name: str) -> str:
    """Return the text of a file of the folder; PowerShell writes UTF-16.

    It may be a link within the folder or its checkout. One that leads elsewhere would bring a file
    of this machine into an image of somebody else's code.
    """
    path = folder / name
    try:
        if not is_within(path, folder):
            raise UsageError(f"{path} is a link to {path.resolve()}. Put the file there instead.")
        data = path.read_bytes()
        is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except OSError as error:
        raise UsageError(f"The requirements need {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is neither UTF-8 nor UTF-16. Save it as UTF-8.") from None


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a document; an empty one for what is none."""
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _pyproject(folder: Path) -> dict[str, Any]:
    if not (folder / PYPROJECT).is_file():
        return {}
    try:
        return tomllib.loads(_text(folder, PYPROJECT))
    except RecursionError:
        raise UsageError(f"{folder / PYPROJECT} is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{folder / PYPROJECT} is no TOML: {error}.") from None
