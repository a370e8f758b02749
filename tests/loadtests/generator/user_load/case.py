"""A locustfile, and what has to come out of its check trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent

HEAD = "from locust import *\nimport time, random\n"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A locustfile, and what its check trial says.

    ``code`` is the exit code, 0 for a usable file. ``said`` are parts of what is said about it.
    ``siblings`` are files beside it.
    """

    text: str
    code: int = 0
    said: tuple[str, ...] = ()
    siblings: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    app: Mapping[str, bool] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The whole file."""
        return HEAD + dedent(self.text).lstrip("\n")
