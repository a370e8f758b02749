"""Which Compose files make the project of a folder.

Rules: docs.docker.com, "COMPOSE_FILE" and "Merge"; for the order of the names ``cli/options.go`` of
compose-spec/compose-go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loadtests.targets.compose_file import variables

COMPOSE_FILE = "COMPOSE_FILE"
SEPARATOR = "COMPOSE_PATH_SEPARATOR"

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    *("compose.override.yml", "compose.override.yaml"),
    *("docker-compose.override.yml", "docker-compose.override.yaml"),
)
"""Files that Compose merges over the one of :data:`NAMES`, the first of each that is there."""


def chosen(folder: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that Compose would read in a folder, later ones over earlier ones.

    Those that COMPOSE_FILE names need not be there.
    """
    named = of_variable(variables.of_folder(folder, environ))
    return named or usual(lambda name: is_file(folder, name))


def of_variable(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that COMPOSE_FILE names; none without it."""
    named = values.get(COMPOSE_FILE, "")
    return tuple(name for name in named.split(values.get(SEPARATOR) or ":") if name)


def usual(is_there: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the file that Compose reads by its name, and the one that it merges over it."""
    found = [next(filter(is_there, names), None) for names in (NAMES, OVERRIDES)]
    return tuple(filter(None, found)) if found[0] else ()


def is_file(folder: Path, name: str) -> bool:
    """Tell whether a name is that of a file in a folder; it may be any text."""
    return os.path.isfile(folder / name)  # noqa: PTH113  that of a path may raise


def joined(names: Sequence[str]) -> str:
    """Return files as a target names them: ``compose.yaml:compose.prod.yaml``."""
    return ":".join(names)


def split(text: str, folder: Path) -> tuple[str, ...]:
    """Return the files that a target names; a file whose name has a colon is one."""
    return (text,) if is_file(folder, text) else tuple(text.split(":"))
