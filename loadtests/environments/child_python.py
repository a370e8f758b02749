"""The environment of child processes that run modules of this package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import loadtests

PACKAGES = Path(loadtests.__file__).parents[1]
"""The folder that contains this package, for a child started in any folder."""

VARIABLE = "PYTHONPATH"

NOTHING_FROM_HERE = {"PYTHONSAFEPATH": "1"}
"""Lets another Python that is asked by ``-c`` import nothing from the current folder, from 3.11 on.
Older ones take no ``-P``, and ignore the variable."""


def module_argv(module: str, *words: str) -> tuple[str, ...]:
    """Return the command that runs a module of this package.

    It imports nothing from the current folder (``-P``): that is the user's, or a change's that a
    gate looks at, and may have a ``queue.py`` or a ``loadtests`` of its own.
    """
    return (sys.executable, "-P", "-m", module, *words)


def python_path() -> dict[str, str]:
    """Return the environment variable with which a child Python finds this package."""
    paths = (str(PACKAGES), os.environ.get(VARIABLE, ""))
    return {VARIABLE: os.pathsep.join(filter(None, paths))}


def leave_python_path() -> None:
    """Take out of this process's environment what :func:`python_path` put there.

    In a child that starts programs of the user's: those in Python would import our packages.
    """
    first, _, others = os.environ.get(VARIABLE, "").partition(os.pathsep)
    if first != str(PACKAGES):
        return
    if others:
        os.environ[VARIABLE] = others
    else:
        del os.environ[VARIABLE]
