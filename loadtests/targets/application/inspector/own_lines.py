"""The application's own lines: in a traceback, and where it looks for variables in vain."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

FOLDER = Path(os.path.realpath(os.curdir))
"""The project's folder, in which this program is started."""

ARCHIVE = sys.path[0]
"""Where this program's own modules lie, which are left out of tracebacks."""

CONFIGURATION = frozenset({"configurations", "decouple", "dynaconf", "environ", "environs"})
"""Packages that look variables up for an application."""

LOOKUPS = frozenset({"os", "collections.abc", "_collections_abc"})
"""The modules of ``os.environ`` and its methods, by the names that they give themselves."""

MOST_FRAMES = 8
MOST_CAUSES = 4
MOST_CHARS = 2000


def own_file(path: str) -> str | None:
    """Return a file's path below the project's folder; None for installed code."""
    full = Path(os.path.realpath(path))
    if FOLDER not in full.parents or not full.is_file():
        return None
    if {"site-packages", "dist-packages"} & set(full.parts):
        return None
    installed = Path(os.path.realpath(sys.prefix))
    if FOLDER in installed.parents and installed in full.parents:
        return None
    return str(full.relative_to(FOLDER))


def frames_of(trace: TracebackType | None) -> list[dict[str, Any]]:
    """Return the application's own frames of a traceback; the last two where there are none."""
    every = [
        (own_file(frame.filename), frame)
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith((ARCHIVE, "<frozen", importlib.__file__))
    ]
    own = [pair for pair in every if pair[0]]
    return [
        {"file": file or frame.filename, "line": frame.lineno, "text": frame.line or ""}
        for file, frame in own[-MOST_FRAMES:] or every[-2:]
    ]


def raised(kind: str, error: BaseException, *, step: str) -> dict[str, Any]:
    """Return an exception with its causes and the application's own frames."""
    lines: list[str] = []
    frames: list[dict[str, Any]] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < MOST_CAUSES:
        line = "".join(traceback.format_exception_only(type(cause), cause)).strip()
        lines.append(line[:MOST_CHARS])
        frames = frames or frames_of(cause.__traceback__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return {
        "kind": kind,
        "step": step,
        "exception": lines[0],
        "causes": lines[1:],
        "frames": frames,
    }


def watch_variables(missing: dict[str, str]) -> None:
    """Note in ``missing`` which variables the application looks for in vain, and where."""
    kind: Any = type(os.environ)
    plain = kind.__getitem__

    def getitem(self: Any, key: Any) -> Any:
        try:
            return plain(self, key)
        except KeyError:
            where = _asker(sys._getframe(1))  # noqa: SLF001  no other way leads to the caller
            if where is not None and isinstance(key, str):
                missing.setdefault(key, where)
            raise

    kind.__getitem__ = getitem


def _asker(frame: FrameType | None) -> str | None:
    """Return the application's line that looks a variable up; None where a library does."""
    while frame is not None:
        file = own_file(frame.f_code.co_filename)
        if file is not None:
            return f"{file}:{frame.f_lineno}"
        module = str(frame.f_globals.get("__name__"))
        if module not in LOOKUPS and module.partition(".")[0] not in CONFIGURATION:
            return None
        frame = frame.f_back
    return None
