"""Programs that are not ours, played by small scripts, so that ours run for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Play = Callable[[str, str], None]
"""Plays a program: its name, and the shell script that it is."""


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """What was asked of the played programs, in order, one command line each."""
    log = tmp_path / "calls"

    def read() -> list[str]:
        return log.read_text().splitlines() if log.exists() else []

    return read


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Only what is played (and the shell's own programs) can be found from here on."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, script: str) -> None:
        program = folder / name
        log = tmp_path / "calls"
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >> "{log}"\nPATH=/usr/bin:/bin\n{script}\n'
        )
        program.chmod(0o755)

    return add
