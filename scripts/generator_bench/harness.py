"""Whole runs of ``twofold`` without Docker: left alone, or disturbed while they load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.generator_bench.child import PROJECT
from scripts.generator_bench.processes import descendants_of

SHORT = (
    *("run", "--json", "--quick", "--backend", "processes", "--workload", "io"),
    *("--workers", "gthread", "--replicas", "1,2", "--rounds", "2"),
)
"""Two rounds of two cells: the shortest run with a factor and an interval."""

LOADING = "How fast the load generator"
"""Progress line of a run just before its first load."""

OVER = "Taking the stack down"

LIMIT_S = 120.0
"""Time limit of a run; after it, the run gets SIGINT."""

Disturb = Callable[[int], None]
"""Disturbs a run; called with its process id when its first load starts."""


@dataclass(kw_only=True)
class Run:
    """How a run ended, and for how long it was under load."""

    code: int = -1
    document: dict[str, Any] = field(default_factory=dict)
    loading_s: float = 0.0
    said: list[str] = field(default_factory=list)

    @property
    def saturated(self) -> list[str]:
        """The details of the findings ``generator_saturated``."""
        broken = self.document.get("invalid", [])
        return [finding["detail"] for finding in broken if finding["code"] == "generator_saturated"]


def run(disturb: Disturb | None = None, *, processes: int = 1, seed: int = 1) -> Run:
    """Run ``twofold`` from start to end, with its results in a temporary folder."""
    ended = Run()
    with TemporaryDirectory() as results:
        argv = (
            *(sys.executable, "-m", "loadtests", *SHORT, "--out", results),
            *("--generator-processes", str(processes), "--seed", str(seed)),
        )
        with subprocess.Popen(
            argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            watch = threading.Thread(target=_follow, args=(child, ended, disturb))
            limit = threading.Timer(LIMIT_S, child.send_signal, args=(signal.SIGINT,))
            watch.start()
            limit.start()
            try:
                assert child.stdout is not None
                written = child.stdout.read()
                ended.code = child.wait()
            finally:
                limit.cancel()
                child.kill()
                watch.join()
    if written:
        ended.document = json.loads(written)
    return ended


def _follow(child: subprocess.Popen[str], ended: Run, disturb: Disturb | None) -> None:
    """Read the run's progress, disturb it when its first load starts, and time the load."""
    began_s = 0.0
    disturbing = threading.Thread(target=disturb or (lambda _: None), args=(child.pid,))
    assert child.stderr is not None
    for line in child.stderr:
        ended.said.append(line.rstrip())
        if LOADING in line and not began_s:
            began_s = time.monotonic()
            disturbing.start()
        elif OVER in line and began_s and not ended.loading_s:
            ended.loading_s = time.monotonic() - began_s
    if began_s:
        disturbing.join()


def generators_of(pid: int) -> list[int]:
    """Return the ids of a run's generator processes; only the workers if it has any."""
    processes = [
        (process, command)
        for process in descendants_of(pid)
        if "loadtests.generator" in (command := _command(process)) and "metronome" not in command
    ]
    workers = [process for process, command in processes if "--worker" in command]
    return workers or [process for process, _ in processes]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def kill_one(pick: Callable[[list[int]], int], after_s: float) -> Disturb:
    """Kill one of the generator's workers ``after_s`` after the first load started."""

    def disturb(pid: int) -> None:
        time.sleep(after_s)
        if workers := generators_of(pid):  # empty if the run has ended already
            os.kill(pick(workers), signal.SIGKILL)

    return disturb
