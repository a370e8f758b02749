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
"""Two rounds of two cells: as short as a run with a factor and an interval can be."""

LOADING = "How fast the load generator"
"""What a run says when the generator has started, and the first load is about to be put on."""

OVER = "Taking the stack down"

LIMIT_S = 120.0
"""After so long a run is asked to end, and counts as one that ended so."""

Disturb = Callable[[int], None]
"""Does something to a run that goes on; told its process, when the first load is put on."""


@dataclass(kw_only=True)
class Run:
    """How a run ended, and for how long it was under load."""

    code: int = -1
    document: dict[str, Any] = field(default_factory=dict)
    loading_s: float = 0.0
    said: list[str] = field(default_factory=list)

    @property
    def saturated(self) -> list[str]:
        """What the rule ``generator_saturated`` found broken."""
        broken = self.document.get("invalid", [])
        return [each["detail"] for each in broken if each["code"] == "generator_saturated"]


def run(disturb: Disturb | None = None, *, processes: int = 1, seed: int = 1) -> Run:
    """Run ``twofold`` from start to end, its results in a folder that is gone afterwards."""
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
    """Read what the run says, disturb it when the first load is put on, and take the time."""
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
    """Return the generator's processes in a run, its workers where it has any."""
    found = [
        (each, command)
        for each in descendants_of(pid)
        if "loadtests.generator" in (command := _command(each)) and "metronome" not in command
    ]
    workers = [each for each, command in found if "--worker" in command]
    return workers or [each for each, _ in found]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def kill_one(pick: Callable[[list[int]], int], after_s: float) -> Disturb:
    """Kill one of the generator's workers so long after the first load was put on."""

    def disturb(pid: int) -> None:
        time.sleep(after_s)
        if workers := generators_of(pid):  # none where the run ended before: it tells by itself
            os.kill(pick(workers), signal.SIGKILL)

    return disturb
