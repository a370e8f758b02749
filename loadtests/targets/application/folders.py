"""The folder of a user's project."""

from __future__ import annotations

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
