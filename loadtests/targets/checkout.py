"""Finds the sample application, the Compose files and the results folder.

In a checkout they are its folders. The wheel has them in ``bundle/`` inside the package, so that an
installed Twofold needs no checkout.
"""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError

MARK = Path("compose/compose.yaml")
PACKAGE = Path(__file__).resolve().parents[1]
BUNDLE = "bundle"
"""Folder of the wheel with the files outside the package; see pyproject.toml."""

RESULTS = "results"


def root() -> Path:
    """Return the folder with ``app/``, ``compose/`` and ``scripts/base_image.py``.

    This is the package's checkout or ``bundle/``, or else the first checkout at or above the
    working directory. Raises :class:`UsageError` if there is none.
    """
    here = Path.cwd()
    for folder in (PACKAGE.parent, PACKAGE / BUNDLE, here, *here.parents):
        if (folder / MARK).is_file():
            return folder
    raise UsageError(
        f"No {MARK} in the package, beside it, or above {here}. Install twofold again (pip install"
        " --force-reinstall twofold), or run it in a checkout."
    )


def contains(folder: Path) -> bool:
    """Return whether a folder lies in the checkout of the sample application."""
    return folder.is_relative_to(root())


def results() -> Path:
    """Return the results folder of the checkout, or of the working directory outside of it."""
    here = Path.cwd()
    return (root() if contains(here) else here) / RESULTS


def generator() -> Path:
    """Return the folder of the load generator, from which its image is built."""
    return PACKAGE / "generator"
