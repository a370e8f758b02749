"""Runs the generator as a child process, and speaks its protocol."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

PROJECT = Path(__file__).resolve().parents[2]

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TrialData:
    """The generator's data of one trial; ``columns`` are those of the protocol."""

    finished: Mapping[str, Any]
    columns: Mapping[str, Column]
    window_s: float

    @property
    def completed(self) -> Column:
        """Indices of the rows that were ``ok`` and ended in the window."""
        done = self.columns["done_us"]
        inside = (done >= 0) & (done < self.window_s * 1e6)
        return np.flatnonzero(inside & (self.columns["outcome"] == 0))

    @property
    def due(self) -> Column:
        """Indices of the rows that were due in the window."""
        due = self.columns["due_us"]
        return np.flatnonzero((due >= 0) & (due < self.window_s * 1e6))

    def milliseconds(self, rows: Column, *, since: str) -> npt.NDArray[np.float64]:
        """Return the time from ``since`` (``due`` or ``sent``) to the answer of ``rows``."""
        columns = self.columns
        elapsed_us = columns["done_us"][rows] - columns[f"{since}_us"][rows]
        return np.asarray(elapsed_us / 1e3, dtype=np.float64)


def pinned(core: int | None) -> tuple[str, ...]:
    """Return the prefix that pins a command to ``core``; () without one."""
    return () if core is None else ("taskset", "-c", str(core))


class Generator:
    """A generator that runs until its ``with`` block ends."""

    def __init__(self, core: int | None = None, processes: int = 1) -> None:
        self._command = (
            *pinned(core),
            sys.executable,
            "-m",
            "loadtests.generator",
            *("--processes", str(processes)),
        )

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
        )
        self.ask(op="hello")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The process id of the agent; with several processes, its workers are its children."""
        return self._process.pid

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and return the first line of the answer."""
        self._say(order)
        return self._hear()

    def trial(self, **order: Any) -> TrialData:
        """Run one trial; the fields are those of the protocol. Raises on the answer ``error``."""
        return self.trial_and(lambda: None, **order)

    def trial_and(self, when_open: Callable[[], None], **order: Any) -> TrialData:
        """Run one trial, and call ``when_open`` when the window has opened."""
        defaults = {"id": "bench", "path": "/", "settle_s": 0.5, "drain_limit_s": 5.0}
        whole = {"op": "trial", **defaults, **order}
        self._say(whole)
        packed = b""
        while (line := self._hear())["event"] != "finished":
            if line["event"] == "error":
                raise RuntimeError(line["detail"])
            if line["event"] == "opened":
                when_open()
            packed += base64.b64decode(line.get("data", ""))
        columns = np.load(io.BytesIO(packed), allow_pickle=False)
        return TrialData(
            finished=line,
            columns={key: columns[key].astype(np.int64) for key in columns.files},
            window_s=whole["window_s"],
        )

    def _say(self, order: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line
