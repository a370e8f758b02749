"""Finds the Python of a user's application."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.tools import proc

VIRTUAL_ENV = "VIRTUAL_ENV"
"""The variable that an active virtual environment sets."""

CONDA_PREFIX, CONDA_NAME = "CONDA_PREFIX", "CONDA_DEFAULT_ENV"
"""The variables that an active conda environment sets: its folder, and its name."""

CONDA_BASE = "base"
"""conda's own environment, which is active in every shell of many machines."""

FOLDERS = (".venv", "venv")
"""Names of virtual environments in a project's folder."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python program, and why it was chosen."""

    path: str
    why: str


def find(
    asked: str | None,
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    asker: str = "--python",
) -> Interpreter:
    """Return the Python that was asked for, or else the one that the application seems to use.

    That is the active virtual environment's, or the one in ``folder``, or conda's, or that of
    Twofold. ``asker`` says who asked. Raises :class:`UsageError` if there is no Python where the
    user says.
    """
    if asked is not None:
        return Interpreter(path=_named(asked, folder, asker), why="as requested")
    active = environ.get(VIRTUAL_ENV)
    if active:
        path = _in_environment(Path(active))
        if path is None:
            raise UsageError(
                f"The active virtual environment {active} ({VIRTUAL_ENV}) has no Python. Make it"
                f" again, leave it (`unset {VIRTUAL_ENV}`), or name a Python by --python."
            )
        return Interpreter(path=path, why="of the active virtual environment")
    for name in FOLDERS:
        path = _in_environment(folder / name)
        if path is not None:
            return Interpreter(path=path, why=f"of {name} in the project's folder")
    if environ.get(CONDA_NAME) != CONDA_BASE and environ.get(CONDA_PREFIX):
        path = _in_environment(Path(environ[CONDA_PREFIX]))
        if path is not None:
            return Interpreter(path=path, why="of the active conda environment")
    return Interpreter(path=sys.executable, why="the one that runs twofold")


def _named(asked: str, folder: Path, asker: str) -> str:
    """Return the program that a path, an environment's folder or a name on PATH stands for."""
    if os.sep not in asked:
        program = proc.which(asked)
        if program is not None:
            return program
    place = folder / Path(asked).expanduser()
    path = _in_environment(place) if place.is_dir() else _program(place)
    if path is None:
        raise UsageError(
            f"There is no Python {asked!r} ({asker}), neither on PATH nor at {place}. Name a"
            " program such as python3.12, or a virtual environment's folder such as .venv."
        )
    return path


def _in_environment(folder: Path) -> str | None:
    return _program(folder / "bin/python")


def _program(path: Path) -> str | None:
    # Not resolved: a virtual environment is known by the path of its link.
    return os.path.abspath(path) if path.is_file() and os.access(path, os.X_OK) else None  # noqa: PTH100
