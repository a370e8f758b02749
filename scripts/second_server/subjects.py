"""What is run: an application with its load, and what has to come out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKERS = ("gthread", "sync", "gevent")

LOGIN = {"method": "POST", "path": "/login", "form": {"user": "ada lovelace"}}
NOTE = {"method": "POST", "path": "/notes", "form": {"text": "a note of {1000..9999}"}}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An application that is run with three worker models, or as its own container starts.

    ``files`` are what its folder has, or ``folder`` is there already, with a ``twofold.toml``.
    ``requests`` and ``start`` are its load. ``words`` are further words of ``twofold run``.
    ``verdicts`` are those that are right for the largest doubling; ``never`` must none have, and
    ``not_before`` none that is smaller. One of ``said`` has to be in what the run says of a worker
    model.
    """

    name: str
    files: Mapping[str, str]
    verdicts: frozenset[str]
    said: Sequence[str] = ()
    never: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    requests: Sequence[Any] = ("GET /",)
    start: Sequence[Any] = ()
    words: Sequence[str] = ()
    workers: Sequence[str] = WORKERS
    target: str = "shop:app"
    backend: str = "processes"
    folder: Path | None = None
    further: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    one_in: int = 0
    """So rare are its wrong answers, where that is the question."""

    @property
    def configuration(self) -> str:
        """The text of its ``twofold.toml``."""
        lines = [f"target = {_toml(self.target)}"]
        lines += [f"env = {_toml(dict(self.env))}"] if self.env else []
        if self.requests:
            lines += ["[workloads.own]", f"requests = {_toml(list(self.requests))}"]
        lines += [f"start = {_toml(list(self.start))}"] if self.start else []
        return "\n".join([*lines, self.further, ""])


def _toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} = {_toml(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
