"""Reads the texts of a project's folder that say what it needs, first of all ``pyproject.toml``."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.model.errors import UsageError
from loadtests.targets.application.folders import is_within

PYPROJECT = "pyproject.toml"


def text(folder: Path, name: str) -> str:
    """Return the text of a file of the folder; PowerShell writes UTF-16.

    It may be a link within the folder or its checkout. One that leads elsewhere would bring a file
    of this machine into an image of somebody else's code. Raises :class:`UsageError` for that, and
    for a file that cannot be read.
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


def read(folder: Path) -> dict[str, Any]:
    """Return ``pyproject.toml`` of a folder; it is empty if there is none.

    Raises :class:`UsageError` for one that cannot be read.
    """
    return parsed(folder, PYPROJECT) if (folder / PYPROJECT).is_file() else {}


def parsed(folder: Path, name: str) -> dict[str, Any]:
    """Return a TOML file of a folder; raise :class:`UsageError` for one that cannot be read."""
    try:
        return tomllib.loads(text(folder, name))
    except RecursionError:
        raise UsageError(f"{folder / name} is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{folder / name} is no TOML: {error}.") from None


def table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a document; an empty one for what is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}
