"""Where the sample application and the environment's data lie: the checkout's folders."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError

MARK = Path("compose/compose.yaml")


def root() -> Path:
    """Give the checkout's folder: this package's own, else the first above the working folder."""
    here = Path.cwd()
    for folder in (Path(__file__).resolve().parents[2], here, *here.parents):
        if (folder / MARK).is_file():
            return folder
    raise UsageError(
        f"No {MARK} beside the package or above {here}. Run twofold in a checkout of the project."
    )
