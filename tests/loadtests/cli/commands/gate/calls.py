"""How a test calls ``twofold gate``, and what it looks at then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line


class Gate:
    """Calls ``twofold gate``, and keeps how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], results: Path) -> None:
        self._capsys = capsys
        self.results = results
        self.code = -1
        self.stdout = ""
        self.stderr = ""

    def __call__(self, *words: str) -> int:
        self.code = run_command_line(["gate", *words, "--out", str(self.results)])
        self.stdout, self.stderr = self._capsys.readouterr()
        return self.code

    @property
    def folder(self) -> Path:
        """The folder of the only gate."""
        (folder,) = self.results.glob("gate-*")
        return folder

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document
