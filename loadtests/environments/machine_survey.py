"""Collects the facts of this machine that every backend needs, for ``doctor``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from loadtests.model.machine_facts import MachineFacts
from loadtests.tools import host


def survey(results: Path) -> MachineFacts:
    """Return facts on cores, disk space and the results folder; changes nothing."""
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
    """Return the folder, or its nearest existing parent."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _write_error(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
