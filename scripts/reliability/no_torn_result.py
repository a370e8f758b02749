"""What was said to be finished is on disk and whole, whenever a run is killed or the disk is full.

The runs are those of ``stub_run``, so that hundreds of them take minutes.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from statistics import median

import numpy as np

from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_VERDICTS, EnvironmentFailure, TwofoldError
from loadtests.results import run_folder
from loadtests.results.run_search import PLAN
from loadtests.tools import proc
from scripts.reliability.harness import MARK, PROJECT
from scripts.reliability.record import Broken, Case

RUN_LIMIT_S = 120.0

KILLS = {"run": (500, 10), "gate": (100, 2)}
"""Kills in the full and in the short form."""

MOST_DRAWS = 20
"""A run that has ended before its kill is no case, so another moment is drawn."""

SIZES_KB = (4, 16, 64, 256, 1024)
"""Sizes of real disks: nothing fits into the smallest one, everything into the largest."""

SHORT_WRITES = (0.3, 0.9)
"""Which writes the short form fails, as shares of all."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 600 kills at random moments, a disk that fills at each write, and real small disks."""
    for kind, counts in KILLS.items():
        for number in range(counts[0 if full else 1]):
            yield Case(name=f"{kind} KILL {number + 1}", run=partial(_killed, kind, number))
    for kind in KILLS:
        count = _writes(kind)
        chosen = range(1, count + 1) if full else [round(count * part) for part in SHORT_WRITES]
        for number in chosen:
            yield Case(name=f"{kind}, full at write {number}", run=partial(_fails, kind, number))
    if os.geteuid() != 0 or sys.platform != "linux":
        return  # only root can make a small disk
    for kind in KILLS:
        for size in SIZES_KB if full else SIZES_KB[1:2]:
            yield Case(name=f"{kind} on a disk of {size} KiB", run=partial(_full, kind, size))


# -- killed -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Killed:
    """What became of a process that was to be killed: its code, and the trials that it told."""

    code: int
    said: int


def _killed(kind: str, number: int, folder: Path) -> str:
    length_s = _length_s(kind)
    rng = Random(f"{kind} {number}")

    def kill(after_s: float) -> Killed:
        results = folder / f"{after_s:.6f}"
        results.mkdir()
        return _kill(kind, results, folder, after_s)

    after_s, killed = drawn(kill, partial(rng.uniform, 0.0, length_s))
    results = folder / f"{after_s:.6f}"
    found = _judge_run(results, killed.said) if kind == "run" else _judge_gate(results)
    return f"after {after_s:.3f} of {length_s:.3f} s: {found}"


def drawn(kill: Callable[[float], Killed], draw: Callable[[], float]) -> tuple[float, Killed]:
    """Kill at moments that are drawn until one was killed by the signal; return it and its moment.

    What had ended before is drawn again: nothing was tried.
    """
    for _ in range(MOST_DRAWS):
        after_s = draw()
        killed = kill(after_s)
        if killed.code == -signal.SIGKILL:
            return after_s, killed
        if killed.code != 0:
            raise Broken(f"it ended with {killed.code} before it was killed")
    raise Broken(f"{MOST_DRAWS} of {MOST_DRAWS} had ended before they were killed")


def _kill(kind: str, results: Path, folder: Path, after_s: float) -> Killed:
    """Start a run or a gate, and kill it so long after it has begun."""
    with _started(kind, results, folder) as run:
        assert run.stdout is not None
        time.sleep(after_s)
        run.send_signal(signal.SIGKILL)
        lines = run.stdout.read().splitlines()
        code = run.wait()
    said = [int(line.removeprefix("said ")) for line in lines if line.startswith("said ")]
    return Killed(code=code, said=max(said, default=0))


@contextmanager
def _started(kind: str, results: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a run or a gate that has just begun: all is imported."""
    argv = (sys.executable, "-m", "scripts.reliability.stub_run", kind, str(results))
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(folder), text=True
    ) as run:
        assert run.stdout is not None
        if run.stdout.readline() != "begun\n":
            raise Broken("the run did not begin")
        yield run


@cache
def _length_s(kind: str) -> float:
    """Return how long a whole run or gate takes here, once all is imported; the median of 3."""
    lengths = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="reliability-") as place:
            folder = Path(place)
            with _started(kind, folder, folder) as run:
                began_s = time.monotonic()
                assert run.stdout is not None
                run.stdout.read()
                if run.wait() != 0:
                    raise Broken(f"a whole {kind} ended with {run.wait()}")
                lengths.append(time.monotonic() - began_s)
    return median(lengths)


def _judge_run(results: Path, said: int) -> str:
    """Hold what a killed run has left to the promise."""
    whole = [run for run in results.iterdir() if (run / PLAN).is_file()]
    if not whole:
        if said:
            raise Broken(f"{said} trials were said to be finished, and there is no run")
        return "no run yet"
    recorded = run_folder.read(whole[0])
    if len(recorded.trials) < said:
        raise Broken(f"{said} trials were said to be finished, {len(recorded.trials)} are there")
    for trial in recorded.trials:
        with np.load(io.BytesIO(run_folder.read_samples(whole[0], trial))) as columns:
            if not columns.files:
                raise Broken(f"the samples of {trial.spec.id} are empty")
    _report(whole[0])
    return f"{len(recorded.trials)} trials"


def _judge_gate(results: Path) -> str:
    """Hold what a killed gate has left to the promise: a verdict is whole, or there is none."""
    verdicts = list(results.glob("*/verdict.json"))
    for verdict in verdicts:
        _judge(verdict)
    return "a whole verdict" if verdicts else "no verdict yet"


def _report(run: Path) -> None:
    done = proc.run(
        (sys.executable, "-m", "loadtests", "report", str(run)),
        env={"PYTHONPATH": str(PROJECT)},
        check=False,
        timeout_s=RUN_LIMIT_S,
    )
    if done.code not in EXIT_VERDICTS or "Traceback" in done.stderr:
        raise Broken(f"twofold report ended with {done.code}: {done.stderr[-300:]}")


def _environment(folder: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(PROJECT), "TWOFOLD_LOCK_FOLDER": str(folder), MARK: folder.name}
    return {**os.environ, **own}


# -- a full disk --------------------------------------------------------------------------------


def _stub(kind: str, results: Path, folder: Path, *words: str) -> proc.Completed:
    return proc.run(
        (sys.executable, "-m", "scripts.reliability.stub_run", kind, str(results), *words),
        env=_environment(folder),
        check=False,
        timeout_s=RUN_LIMIT_S,
    )


@cache
def _writes(kind: str) -> int:
    """Return how many writes a whole run or gate makes."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as place:
        done = _stub(kind, Path(place), Path(place), "0")
    counts = [line.removeprefix("writes ") for line in done.stdout.splitlines() if "writes" in line]
    if done.code != 0 or len(counts) != 1:
        raise EnvironmentFailure(f"A whole {kind} ended with {done.code}: {done.stderr[-300:]}")
    return int(counts[0])


def _fails(kind: str, number: int, folder: Path) -> str:
    results = folder / "results"
    results.mkdir()
    done = _stub(kind, results, folder, str(number))
    failed = first_failed(done.stdout)
    if done.code != EXIT_ENVIRONMENT:
        raise Broken(f"{failed} was not written, and it ended with {done.code}")
    _hold(done, results)
    return failed


def first_failed(said: str) -> str:
    """Return the name of the file whose write failed first; break the promise if none did."""
    names = [line.removeprefix("failed ") for line in said.splitlines() if "failed " in line]
    if not names:
        raise Broken("no write failed, so nothing was tried")
    return Path(names[0]).name


@contextmanager
def _disk(folder: Path, size_kb: int) -> Iterator[Path]:
    place = folder / "disk"
    place.mkdir()
    proc.run(("mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(place)))
    try:
        yield place
    finally:
        proc.run(("umount", str(place)))


def _full(kind: str, size_kb: int, folder: Path) -> str:
    with _disk(folder, size_kb) as results:
        done = _stub(kind, results, folder)
        _hold(done, results)
    return f"exit {done.code}"


def _hold(done: proc.Completed, results: Path) -> None:
    """Hold a run or a gate on a full disk to the promise: one message, and a journal to read."""
    messages = [line for line in done.stderr.splitlines() if line.startswith("twofold:")]
    if "Traceback" in done.stderr or done.code not in {0, EXIT_ENVIRONMENT}:
        raise Broken(f"it ended with {done.code}: {done.stderr[-300:]}")
    if len(messages) != (done.code == EXIT_ENVIRONMENT):
        raise Broken(f"it ended with {done.code} and {len(messages)} messages")
    for run in results.glob(f"*/{PLAN}"):
        _read(run.parent)
    for verdict in results.glob("*/verdict.json"):
        _judge(verdict)


def _read(run: Path) -> None:
    try:
        run_folder.read(run)
    except TwofoldError as error:
        raise Broken(f"the journal cannot be read: {error}") from error


def _judge(verdict: Path) -> None:
    done = proc.run(
        (sys.executable, "-m", "loadtests", "gate", "--judge", str(verdict)),
        env={"PYTHONPATH": str(PROJECT)},
        check=False,
        timeout_s=RUN_LIMIT_S,
    )
    if done.code not in EXIT_VERDICTS:
        raise Broken(f"gate --judge ended with {done.code}: {done.stderr[-300:]}")
