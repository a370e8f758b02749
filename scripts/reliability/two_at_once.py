"""Two at once: each waits or says who holds the machine, and no two measure at the same time."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

from loadtests.environments.guards import machine_lock
from loadtests.gate import result_files
from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_VERDICTS, ProcessFailure
from loadtests.results import run_folder
from loadtests.tools import proc
from scripts.reliability.harness import PROJECT, QUICK, START_LIMIT_S, Harness, as_user, has_engine
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

EVIDENCE = (
    *(run_folder.CALIBRATIONS, run_folder.PROBES, run_folder.CEILING, run_folder.IN_FORCE),
    *(run_folder.FILE_CEILINGS, run_folder.PROFILES, run_folder.JOURNAL, result_files.VERDICT),
)
"""The files that are written as soon as something has been measured."""

LOCK = "twofold.lock"

NOTHING: Mapping[str, str] = MappingProxyType({})

DEFAULT = {machine_lock.FOLDER_VARIABLE: ""}
"""Takes the lock's folder of all users, as nearly everybody does."""

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
    yield Case(
        name="default folder, no wait", run=partial(_refuses, PROCESSES, PROCESSES, both=DEFAULT)
    )
    yield Case(name="two checkouts, default folder", run=_two_checkouts)
    if has_another_user():
        yield Case(name="two users, root first", run=partial(_two_users, None, NOBODY))
        yield Case(name="two users, root second", run=partial(_two_users, NOBODY, None))
    if full and has_another_user():
        for name, users in {"first": (None, NOBODY), "second": (NOBODY, None)}.items():
            run = partial(_two_users, *users, both=DEFAULT)
            yield Case(name=f"two users, root {name}, default folder", run=run)


def _both(
    first: tuple[str, ...],
    second: tuple[str, ...],
    folder: Path,
    *,
    both: Mapping[str, str] = NOTHING,
    more: Mapping[str, str] = NOTHING,
    users: tuple[int | None, int | None] = (None, None),
) -> tuple[Harness, Harness]:
    """Start one, wait until it holds the lock, and start the other.

    ``both`` are variables of both, and ``more`` those of the second alone.
    """
    one = Harness(folder, *first, results="first", user=users[0], env=both)
    try:
        _wait_for_lock(one, folder)
        env = {**both, **more}
        return one, Harness(folder, *second, results="second", user=users[1], env=env)
    except BaseException:
        one.kill()
        raise


def _wait_for_lock(one: Harness, folder: Path) -> None:
    """Wait until a lock's file, in the campaign's folder or a default one, names its holder."""
    files = [place / LOCK for place in (folder, *machine_lock.FOLDERS)]
    proc.wait_until(
        lambda: one.code is not None or any(holds(one.pid, file) for file in files),
        limit_s=START_LIMIT_S,
        failure=lambda: f"it never held the lock: {one.said[-500:]}",
    )
    if one.code is not None:
        raise Broken(f"it ended with {one.code} before it held the lock: {one.said[-500:]}")


def holds(pid: int, file: Path) -> bool:
    """Return whether the note in a lock's file is that of a process."""
    try:
        return bool(json.loads(file.read_text())["pid"] == pid)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _waits(first: tuple[str, ...], second: tuple[str, ...], folder: Path) -> str:
    one, other = _both(first, second, folder)
    return _hold_to_turns(one, other)


def _hold_to_turns(one: Harness, other: Harness) -> str:
    try:
        other.wait_for(f"Waiting for another run on this machine: process {one.pid} ")
        codes = [harness.wait(RUN_LIMIT_S) for harness in (one, other)]
        if wrong := [code for code in codes if code not in EXIT_VERDICTS]:
            raise Broken(f"exit {wrong}: {one.said[-300:]} {other.said[-300:]}")
        between_s = seconds_between(*(_measured(harness) for harness in (one, other)))
        return f"exit {codes[0]} and {codes[1]}, {between_s:.0f} s between them"
    finally:
        one.kill()
        other.kill()


def seconds_between(one: Span, other: Span) -> float:
    """Return the seconds from the end of the first span; break the promise if they overlap.

    The start is known to a second, and is rounded down.
    """
    if one[1] > other[0] + 1.0:
        raise Broken(f"the first measured until {one[1]}, the second from {other[0]}")
    return max(0.0, other[0] - one[1])


def _refuses(
    first: tuple[str, ...],
    second: tuple[str, ...],
    folder: Path,
    *,
    both: Mapping[str, str] = NOTHING,
) -> str:
    one, other = _both(first, (*second, "--no-wait"), folder, both=both)
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
    copied = {"PYTHONPATH": path}
    return _hold_to_turns(*_both(PROCESSES, PROCESSES, folder, both=DEFAULT, more=copied))


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


def _two_users(
    first: int | None, second: int | None, folder: Path, *, both: Mapping[str, str] = NOTHING
) -> str:
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
    env = {"HOME": str(common), **both}
    one, other = _both(PROCESSES, PROCESSES, common, both=env, users=(first, second))
    seen = _hold_to_turns(one, other)
    for harness in (one, other):
        if "Traceback" in harness.said:
            raise Broken(harness.said[-500:])
    if not private.is_dir():
        raise Broken("a private folder of another user was removed")
    return seen


def _measured(harness: Harness) -> Span:
    """Return when a run or a gate began, and when it last wrote down what it had measured.

    In seconds since the epoch. It begins with the lock, before the ceiling and the calibration.
    """
    (name,) = harness.runs()
    folder = harness.results / name
    facts = (result_files if name.startswith("gate-") else run_folder).read(folder).facts
    written = [(folder / file).stat().st_mtime for file in EVIDENCE if (folder / file).exists()]
    return datetime.fromisoformat(facts.started_at).timestamp(), max(written)
