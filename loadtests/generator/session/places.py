"""Names lines of the user's files: those that run, and those that an exception came from."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType, TracebackType

UNKNOWN = "unknown place"


def is_users(filename: str, folder: Path | None) -> bool:
    """Return whether ``filename`` is one of the user's files in ``folder``."""
    return folder is not None and filename.startswith(f"{folder}/")


def place_of(folder: Path | None, frame: FrameType | None = None) -> str:
    """Return the innermost line of the user's that runs in ``frame``, as ``shop.py:12``."""
    found = frame_of(folder, frame or sys._getframe(1))  # noqa: SLF001 - the only way to a frame
    return UNKNOWN if found is None else line_of(found.f_code.co_filename, found.f_lineno, folder)


def frame_of(folder: Path | None, frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the user's code, from ``frame`` outwards."""
    while frame is not None:
        if is_users(frame.f_code.co_filename, folder):
            return frame
        frame = frame.f_back
    return None


def error_place(folder: Path | None, trace: TracebackType | None) -> str:
    """Return the innermost line of the user's that an exception passed."""
    found = UNKNOWN
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if is_users(filename, folder):
            found = line_of(filename, trace.tb_lineno, folder)
        trace = trace.tb_next
    return found


def line_of(filename: str, line: int, folder: Path | None) -> str:
    """Return a file and its line, from the user's folder."""
    name = filename.removeprefix(f"{folder}/") if folder else Path(filename).name
    return f"{name}:{line}"
