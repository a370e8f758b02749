"""A locustfile or a list of requests with mistakes that were planted, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent

from loadtests.model.tested.workload import RequestSpec


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A load with mistakes.

    ``mistakes`` has a part of the line that is said of each, and nothing else may be said but
    ``also``, which are notes. ``code`` is the exit code. ``options`` are fields of the locustfile.
    """

    mistakes: tuple[str, ...]
    code: int
    text: str = ""
    requests: tuple[RequestSpec, ...] = ()
    start: tuple[RequestSpec, ...] = ()
    also: tuple[str, ...] = ()
    siblings: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    app: Mapping[str, bool] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The whole file."""
        return dedent(self.text).lstrip("\n")
