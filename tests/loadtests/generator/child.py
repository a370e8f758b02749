"""The generator as a child process, for the tests of the whole program."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tests.checkout import CHECKOUT

PROJECT = CHECKOUT


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The lines that answer one trial, in order, and the samples in them."""

    lines: list[dict[str, Any]]
    columns: dict[str, Any]

    @property
    def finished(self) -> dict[str, Any]:
        """The last line."""
        return self.lines[-1]

    def count(self, outcome: str) -> int:
        """Return how many rows have ``outcome``."""
        index = self.finished["outcomes"].index(outcome)
        return int((self.columns["outcome"] == index).sum())


class Child:
    """A running generator; its lines are read one by one."""

    def __init__(
        self,
        *options: str,
        module: str = "loadtests.generator",
        env: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        cwd: Path = PROJECT,
    ) -> None:
        self.process = subprocess.Popen(
            (sys.executable, *flags, "-m", module, *options),
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def say(self, line: dict[str, Any] | str) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        text = line if isinstance(line, str) else json.dumps(line)
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Return the next line; an end of the program is an error here."""
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and return the line that answers it."""
        self.say(order)
        return self.hear()

    def trial(self, when_open: Callable[[], None] = lambda: None, **order: Any) -> Answer:
        """Run a short trial; ``when_open`` is called when its window opened."""
        defaults = {"id": "t", "users": 4, "settle_s": 0.1, "window_s": 0.4, "drain_limit_s": 2.0}
        self.say({"op": "trial", **defaults, **order})
        lines: list[dict[str, Any]] = []
        packed = b""
        while not lines or lines[-1]["event"] not in ("finished", "error"):
            lines.append(self.hear())
            packed += base64.b64decode(lines[-1].pop("data", ""))
            if lines[-1]["event"] == "opened":
                when_open()
        columns = np.load(io.BytesIO(packed)) if packed else {}
        return Answer(lines=lines, columns=dict(columns))
