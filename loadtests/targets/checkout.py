"""Where the sample application and the environment's data lie.

In a checkout they are its folders. The wheel carries them below the package, in ``bundle/``, so
that an installed Twofold needs no checkout.
"""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError

MARK = Path("compose/compose.yaml")
PACKAGE = Path(__file__).resolve().parents[1]
BUNDLE = "bundle"
"""The folder of the wheel with what a checkout has beside the package; see pyproject.toml."""

RESULTS = "results"


def root() -> Path:
    """Give the folder that has ``app/``, ``compose/`` and ``scripts/base_image.py``.

    The package's own: its checkout, or what the wheel carries. Else the first checkout above the
    working folder.
    """
    here = Path.cwd()
    for folder in (PACKAGE.parent, PACKAGE / BUNDLE, here, *here.parents):
        if (folder / MARK).is_file():
            return folder
    raise UsageError(
        f"No {MARK} in the package, beside it, or above {here}. Install twofold again (pip install"
        " --force-reinstall twofold), or run it in a checkout of the project."
    )


def results() -> Path:
    """Give the folder of results: that of a checkout, else the one in the working folder."""
    folder = root()
    return (Path.cwd() if folder == PACKAGE / BUNDLE else folder) / RESULTS


def generator() -> Path:
    """Give the folder of the load generator, which its image is built from."""
    return PACKAGE / "generator"
