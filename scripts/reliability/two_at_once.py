"""Two at once: each waits or says who holds the machine, and no two measure at the same time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loadtests.gate import result_files
from loadtests.model.errors import EXIT_ENVIRONMENT
from loadtests.results import run_folder
from scripts.reliability.harness import PROJECT, QUICK, Harness, has_engine
from scripts.reliability.record import Broken, Case

RUN_LIMIT_S = 600.0
GATE = (
    *("gate", "--base", "twofold/app:latest", "--head", "twofold/app:latest"),
    *("--no-scaling", "--max-minutes", "2", "--seed", "1"),
)
PROCESSES = ("run", "--backend", "processes", "--workload", "io", *QUICK)
COMPOSE = ("run", "--backend", "compose", "--workload", "io", *QUICK)

Span = tuple[float, float]


def cases(*, full: bool) -> Iterator[Case]:
    """Give pairs that wait, that do not want to wait, and that are of two checkouts."""
    pairs: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {"two runs": (PROCESSES, PROCESSES)}
    if full and has_engine():
        pairs |= {
            "a run and a gate": (PROCESSES, GATE),
            "a gate and a run": (GATE, COMPOSE),
            "processes and compose": (PROCESSES, COMPOSE),
        }
    for name, (first, second) in pairs.items():
        for number in range(5 if full else 1):
            yield Case(name=f"{name} {number + 1}", run=partial(_waits, first, second))
            yield Case(name=f"{name} {number + 1}, no wait", run=partial(_refuses, first, second))
    yield Case(name="two checkouts", run=_two_checkouts)


def _both(
    first: tuple[str, ...], second: tuple[str, ...], folder: Path, **env: str
) -> tuple[Harness, Harness]:
    one = Harness(folder, *first, results="first")
    one.wait_for("s] " if first is not GATE else "Building")
    while not (folder / "twofold.lock").exists():
        one.wait_for("s] ")
    return one, Harness(folder, *second, results="second", env=env)


def _waits(first: tuple[str, ...], second: tuple[str, ...], folder: Path) -> str:
    one, other = _both(first, second, folder)
    return _hold_to_turns(one, other)


def _hold_to_turns(one: Harness, other: Harness) -> str:
    try:
        other.wait_for(f"Waiting for another run on this machine: process {one.pid} ")
        codes = [harness.wait(RUN_LIMIT_S) for harness in (one, other)]
        spans = [_measured(harness) for harness in (one, other)]
        if spans[0][1] > spans[1][0]:
            raise Broken(f"the first measured until {spans[0][1]}, the second from {spans[1][0]}")
        return f"exit {codes[0]} and {codes[1]}, {spans[1][0] - spans[0][1]:.0f} s between them"
    finally:
        one.kill()
        other.kill()


def _refuses(first: tuple[str, ...], second: tuple[str, ...], folder: Path) -> str:
    one, other = _both(first, (*second, "--no-wait"), folder)
    try:
        code = other.wait(60.0)
        if code != EXIT_ENVIRONMENT or f"process {one.pid} of " not in other.said:
            raise Broken(f"exit {code}: {other.said[-300:]}")
        if other.results.exists() and list(other.results.iterdir()):
            raise Broken("it has made a folder of results")
        return "exit 4"
    finally:
        one.kill()
        other.kill()


def _two_checkouts(folder: Path) -> str:
    """Run the same program from a copy of this checkout."""
    copy = folder / "copy"
    for name in ("loadtests", "app", "compose", "scripts"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join((str(copy), str(copy)))
    return _hold_to_turns(*_both(PROCESSES, PROCESSES, folder, PYTHONPATH=path))


def _measured(harness: Harness) -> Span:
    """Return when a run or a gate measured first and last, in seconds since the epoch."""
    (name,) = harness.runs()
    folder = harness.results / name
    if name.startswith("gate-"):
        pairs = result_files.read(folder).evidence.pairs
        return pairs[0].at_s, max(pair.at_s + pair.wall_s for pair in pairs)
    trials = run_folder.read(folder).trials
    return trials[0].started_at_s, max(trial.started_at_s + trial.wall_s for trial in trials)
