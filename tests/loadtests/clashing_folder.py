"""A user's folder with a package named like ours, and a module named like one of Python's."""

from __future__ import annotations

from pathlib import Path

TAKEN = "imported from the current folder"


def clashing(folder: Path) -> Path:
    """Put both into a folder, and return it; what imports either of them ends at once."""
    for name in ("loadtests/__init__.py", "queue.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"raise SystemExit({TAKEN!r})\n")
    return folder
