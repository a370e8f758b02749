"""How a test calls the command line, and what it looks at then."""

from __future__ import annotations

import json
from typing import Any

SMALL = ("--workers", "gthread", "--replicas", "1,2", "--rounds", "4", "--seed", "1")
"""Options of a run that a test can wait for."""


class Ended:
    """How a command ended."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found
