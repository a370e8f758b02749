"""Two at once: each waits or says who holds the machine, and no two measure at the same time."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loadtests.gate import result_files
from loadtests.model.errors import EXIT_ENVIRONMENT, ProcessFailure
from loadtests.results import run_folder
from loadtests.tools import proc
from scripts.reliability.harness import PROJECT, QUICK, Harness, as_user, has_engine
from scripts.reliability.record import Broken, Case

RUN_LIMIT_S = 600.0

NOBODY = 65534
"""The user who has nothing, on every Linux."""

GATE = (
    *("gate", "--base", "twofold/app:latest", "--head", "twofold/app:latest"),
    *("--no-scaling", "--max-minutes", "2", "--seed", "1"),
)
PROCESSES = ("run", "--backend", "processes", "--workload", "io", *QUICK)
COMPOSE = ("run", "--backend", "compose", "--workload", "io", *QUICK)

Span = tuple[float, float]


def cases(*, full: bool) -> Iterator[Case]:
    """Give pairs that wait, that do not want to wait, and that are of two checkouts or users."""
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
    if has_another_user():
        yield Case(name="two users, root first", run=partial(_two_users, None, NOBODY))
        yield Case(name="two users, root second", run=partial(_two_users, NOBODY, None))


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


def has_another_user() -> bool:
    """Return whether this process can become another user, and that one can run the harness."""
    if os.geteuid() != 0 or proc.which("setpriv") is None:
        return False
    # It has to start programs itself: setpriv still has root's rights when it starts the first.
    script = "import subprocess, sys, loadtests.cli.app; subprocess.run((sys.executable, '-c', ''))"
    argv = (*as_user(NOBODY), sys.executable, "-c", script)
    try:
        return proc.run(argv, env={"PYTHONPATH": str(PROJECT)}, check=False).code == 0
    except ProcessFailure:
        return False


def _two_users(first: int | None, second: int | None, folder: Path) -> str:
    """Run two users' harnesses with a temporary folder that both share, as /tmp is."""
    for above in (folder, folder.parent):
        above.chmod(0o711)
    common = folder / "common"
    temporary = common / "temporary"
    temporary.mkdir(parents=True)
    for place in (common, temporary):
        place.chmod(0o1777)
    # What another user's gate leaves while it runs: nobody else can look into it.
    private = temporary / "twofold-private"
    private.mkdir(mode=0o700)
    env = {"HOME": str(common)}
    one = Harness(common, *PROCESSES, results="first", user=first, env=env)
    one.wait_for("s] ")
    while not (common / "twofold.lock").exists():
        one.wait_for("s] ")
    other = Harness(common, *PROCESSES, results="second", user=second, env=env)
    seen = _hold_to_turns(one, other)
    for harness in (one, other):
        if "Traceback" in harness.said:
            raise Broken(harness.said[-500:])
    if not private.is_dir():
        raise Broken("a private folder of another user was removed")
    return seen


def _measured(harness: Harness) -> Span:
    """Return when a run or a gate measured first and last, in seconds since the epoch."""
    (name,) = harness.runs()
    folder = harness.results / name
    if name.startswith("gate-"):
        pairs = result_files.read(folder).evidence.pairs
        return pairs[0].at_s, max(pair.at_s + pair.wall_s for pair in pairs)
    trials = run_folder.read(folder).trials
    return trials[0].started_at_s, max(trial.started_at_s + trial.wall_s for trial in trials)
