"""Finds locustfiles in a folder, and the modules that they need."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

from loadtests.model.tested.surroundings import FoundLocustfile

PLACES = ("locustfile.py", "locustfile*.py", "*/locustfile*.py", "*/*/locustfile*.py")
MOST_FOUND = 5
SKIPPED = frozenset({"node_modules", "venv", ".venv", "site-packages"})


def find(folder: Path) -> tuple[FoundLocustfile, ...]:
    """Return the locustfiles of a folder, the nearest first."""
    files = dict.fromkeys(
        file
        for pattern in PLACES
        for file in sorted(folder.glob(pattern))
        if not SKIPPED & set(file.relative_to(folder).parts)
    )
    return tuple(_found(file, folder) for file in list(files)[:MOST_FOUND])


def _found(file: Path, folder: Path) -> FoundLocustfile:
    missing = sorted(name for name in _imported(file) if not _is_there(name, file.parent))
    return FoundLocustfile(file=str(file.relative_to(folder)), missing=tuple(missing))


def _imported(file: Path) -> set[str]:
    """Return the modules that a file imports, by the first part of their names."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # it is anybody's
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _is_there(name: str, folder: Path) -> bool:
    if name in sys.stdlib_module_names or (folder / f"{name}.py").is_file():
        return True
    return (folder / name).is_dir() or importlib.util.find_spec(name) is not None
