"""Projects' folders for tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

FLASK = "from flask import Flask\n"


def make_folder(folder: Path, files: dict[str, str]) -> Path:
    """Write files with these texts into a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    return folder
