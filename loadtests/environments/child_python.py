"""The environment of child processes that run modules of this package."""

from __future__ import annotations

import os
from pathlib import Path

import loadtests

PACKAGES = Path(loadtests.__file__).parents[1]
"""The folder that contains this package, for a child started in any folder."""


def python_path() -> dict[str, str]:
    """Return the environment variable with which a child Python finds this package."""
    paths = (str(PACKAGES), os.environ.get("PYTHONPATH", ""))
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
