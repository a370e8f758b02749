"""Reads files of the kernel as text, whatever names are in them."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str:
    """Return the text of a file below ``/proc`` or ``/sys``; raises ``OSError``.

    Names of processes, groups and mounts are any bytes. The kernel also cuts the name of a process
    after 15 bytes (proc(5)), in the middle of a character if need be.
    """
    return path.read_text(encoding="utf-8", errors="replace")
