"""The folder of a user's project, and what lies in it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from loadtests.model.errors import UsageError


def check_readable(folder: Path) -> None:
    """Raise :class:`UsageError` if a folder is not there, or may not be read."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(
            f"This user may not read the folder {folder}. Change its permissions"
            f" (`chmod u+rx {folder}`), or start twofold as the user that it belongs to."
        )


def is_within(path: Path, folder: Path) -> bool:
    """Return whether a path, with all links followed, is in a folder or in its checkout.

    The checkout is the nearest folder above with ``.git``. Raises OSError for links in a circle.
    """
    top = folder.resolve()
    top = next((place for place in (top, *top.parents) if (place / ".git").exists()), top)
    try:
        return path.resolve().is_relative_to(top)
    except RuntimeError as error:  # links in a circle, below Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
