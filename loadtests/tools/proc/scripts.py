"""Tells why a program that is there cannot be started: a script without a mark, or a wrong one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FIRST_BYTES = 512
"""Bytes at a file's begin that are looked at; the kernel reads 256 of a script's first line."""

MARK = b"#!"

BINARY = b"\x7fELF"
"""How a program of Linux begins. Others have a zero among their first bytes."""


def trouble_of(program: str, folder: Path | None = None) -> str | None:
    """Return why a program that is there cannot be started, and what to do; None for nothing.

    A relative path starts from ``folder``, and a name is looked for on PATH.
    """
    place = _place(program, folder)
    if place is None or not place.is_file():
        return None
    if not os.access(place, os.X_OK):
        return f"It is not executable. Make it so: chmod +x {place}."
    try:
        with place.open("rb") as file:
            start = file.read(FIRST_BYTES)
    except OSError:
        return None  # who may run it need not be allowed to read it
    if start.startswith(MARK):
        return _of_first_line(start.partition(b"\n")[0], place)
    if not start.startswith(BINARY) and b"\0" not in start:
        return "Its first line does not say what runs it. Begin it with one such as: #!/bin/sh."
    return None


def _place(program: str, folder: Path | None) -> Path | None:
    if "/" in program:
        return Path(folder or "", program)
    found = shutil.which(program)
    return None if found is None else Path(found)


def _of_first_line(line: bytes, place: Path) -> str | None:
    """Return what is wrong with the line that names a script's interpreter; None for nothing.

    The kernel takes the end of a line of Windows as a part of the last word. It looks for a
    relative path from where the script will run, which is not known here.
    """
    words = line.removeprefix(MARK).strip(b" \t").replace(b"\t", b" ").split(b" ")
    interpreter = Path(os.fsdecode(words[0]))
    if words[0] and not interpreter.is_absolute():
        is_missing = words[0].endswith(b"\r")  # nobody names a program so
    else:
        is_missing = not words[0] or not interpreter.exists()
    if line.endswith(b"\r") and (is_missing or interpreter.name == "env"):
        return f"Its lines end as on Windows (CRLF). Convert it: sed -i 's/\\r$//' {place}."
    if is_missing:
        return f"Its first line names {str(interpreter)!r}, which is not there. Install or mend it."
    return None
