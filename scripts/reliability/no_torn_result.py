"""What was said to be finished is on disk and whole, whenever a run is killed or the disk is full.

The runs are those of ``stub_run``, so that hundreds of them take minutes.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import numpy as np

from loadtests.model.errors import EXIT_ENVIRONMENT, TwofoldError
from loadtests.results import run_folder
from loadtests.results.run_search import PLAN
from loadtests.tools import proc
from scripts.reliability.harness import MARK, PROJECT
from scripts.reliability.record import Broken, Case

RUN_LIMIT_S = 120.0
LONGEST_S = 3.0
"""Later than this after its start, a run on stubs has ended."""

SMALLEST_KB, LARGEST_KB = 4, 1024
"""Sizes of disks: nothing fits into the smallest one, everything into the largest."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 500 kills at random moments, and disks of 60 sizes; in the short form some of each."""
    rng = Random(1)
    for number in range(500 if full else 12):
        after_s = rng.uniform(0.0, LONGEST_S)
        run = partial(_killed, after_s)
        yield Case(name=f"KILL {number + 1} after {after_s:.3f} s", run=run)
    if os.geteuid() != 0 or sys.platform != "linux":
        return  # only root can make a small disk
    for kind in ("run", "gate"):
        count = 30 if full else 4
        for number in range(count):
            size = round(SMALLEST_KB * (LARGEST_KB / SMALLEST_KB) ** (number / (count - 1)))
            yield Case(name=f"{kind} on a disk of {size} KiB", run=partial(_full, kind, size))


# -- killed -------------------------------------------------------------------------------------


def _killed(after_s: float, folder: Path) -> str:
    results = folder / "results"
    results.mkdir()
    said = _kill_a_run(results, folder, after_s)
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


def _kill_a_run(results: Path, folder: Path, after_s: float) -> int:
    """Start a run, kill it after its start, and return how many trials it has said to have."""
    argv = (sys.executable, "-m", "scripts.reliability.stub_run", "run", str(results))
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(folder), text=True
    ) as run:
        assert run.stdout is not None
        if run.stdout.readline() != "begun\n":
            raise Broken("the run did not begin")
        time.sleep(after_s)
        run.send_signal(signal.SIGKILL)
        lines = run.stdout.read().splitlines()
    said = [int(line.removeprefix("said ")) for line in lines if line.startswith("said ")]
    return max(said, default=0)


def _report(run: Path) -> None:
    done = proc.run(
        (sys.executable, "-m", "loadtests", "report", str(run)),
        env={"PYTHONPATH": str(PROJECT)},
        check=False,
        timeout_s=RUN_LIMIT_S,
    )
    if done.code not in {0, 1, 3} or "Traceback" in done.stderr:
        raise Broken(f"twofold report ended with {done.code}: {done.stderr[-300:]}")


def _environment(folder: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(PROJECT), "TWOFOLD_LOCK_FOLDER": str(folder), MARK: folder.name}
    return {**os.environ, **own}


# -- a full disk --------------------------------------------------------------------------------


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
        done = proc.run(
            (sys.executable, "-m", "scripts.reliability.stub_run", kind, str(results)),
            env=_environment(folder),
            check=False,
            timeout_s=RUN_LIMIT_S,
        )
        messages = [line for line in done.stderr.splitlines() if line.startswith("twofold:")]
        if "Traceback" in done.stderr or done.code not in {0, EXIT_ENVIRONMENT}:
            raise Broken(f"it ended with {done.code}: {done.stderr[-300:]}")
        if len(messages) != (done.code == EXIT_ENVIRONMENT):
            raise Broken(f"it ended with {done.code} and {len(messages)} messages")
        for run in results.glob(f"*/{PLAN}"):
            _read(run.parent)
        for verdict in results.glob("*/verdict.json"):
            _judge(verdict)
    return f"exit {done.code}"


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
    if done.code not in {0, 1, 3}:
        raise Broken(f"gate --judge ended with {done.code}: {done.stderr[-300:]}")
