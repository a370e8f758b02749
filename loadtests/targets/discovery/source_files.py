"""Finds the Python modules of a folder's source, and parses them; imports nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SKIPPED = frozenset({"tests", "test", "docs", "migrations", "node_modules", "venv", "env", "setup"})

MOST_FILES = 200
MOST_BYTES = 500_000


def modules(top: Path) -> list[Path]:
    """Return the modules of a folder and of its packages, without tests and the like."""
    try:
        entries = sorted(top.iterdir())
    except OSError:  # it is no folder, or a closed one, such as a store's data
        return []
    files = [file for file in top.glob("*.py") if file.stem not in {"__init__", *SKIPPED}]
    for package in entries:
        if package.name in SKIPPED or package.name.startswith("."):
            continue
        inside = _files(package)
        is_package = any(file.name == "__init__.py" for file in inside)
        files += inside if is_package else filter(_is_of_its_folder, inside)
    return sorted(files)[:MOST_FILES]


def _files(package: Path) -> list[Path]:
    """Return the modules in a folder; none where it is no folder, or a closed one."""
    try:
        return sorted(file for file in package.iterdir() if file.suffix == ".py")
    except OSError:
        return []


def _is_of_its_folder(file: Path) -> bool:
    """Tell whether a module runs from the folder above alone, though its own is no package.

    It imports by its folder's name or by a dot, as in ``from app.settings import URL``.
    """
    own = re.escape(file.parent.name)
    imports = rf"^[ \t]*(?:from[ \t]+(?:\.|{own}\b)|import[ \t]+{own}\b)"
    return re.search(imports.encode(), _content(file) or b"", re.MULTILINE) is not None


def parsed(file: Path) -> ast.Module | None:
    """Return the syntax of a module; None where it cannot be read or parsed."""
    content = _content(file)
    if content is None:
        return None
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it is anybody's
        return None


def _content(file: Path) -> bytes | None:
    """Return what is in a file; None where it cannot be read or is no source by its size."""
    try:
        return file.read_bytes() if file.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError):  # no path
        return None


def dotted(file: Path, top: Path) -> str:
    """Return the name of a module that is imported from ``top``."""
    relative = file.relative_to(top).with_suffix("")
    return ".".join(relative.parts[:-1] if relative.name == "__init__" else relative.parts)
