"""Looks at what every run needs of this machine, whatever its backend, for ``doctor``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from loadtests.model.machine_facts import MachineFacts
from loadtests.tools import host


def survey(results: Path) -> MachineFacts:
    """Look at cores, disk and the results folder; change nothing."""
    folder = _existing(results)
    spaces = {place: shutil.disk_usage(place).free for place in (folder, tempfile.gettempdir())}
    tightest = min(spaces, key=lambda place: spaces[place])
    return MachineFacts(
        machine=host.read_machine(can_budget=True),
        results=str(results),
        results_error=_write_error(folder),
        free_bytes=spaces[tightest],
        free_where=str(tightest),
    )


def _existing(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _write_error(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
