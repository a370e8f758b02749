"""The report of a large run, by the command itself, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests.analysis import request_table
from loadtests.results.run_folder import Store
from tests.loadtests.analysis.test_request_table import make_raw
from tests.loadtests.builders import (
    make_calibration,
    make_facts,
    make_machine,
    make_plan,
    make_trials,
    noisy_rps,
)
from tests.loadtests.fakes import sample_bytes

SAMPLES = 1_000_000
WORKERS = ("gthread", "sync", "gevent")
PLAN = make_plan(workers=WORKERS, rounds=12)
VERDICTS = (0, 1, 3)
KIBIBYTE = 1024
ATTEMPTS = 3
"""The fastest counts: what else this machine does meanwhile is not the report's time."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of nine cells and twelve rounds with a million requests."""
    kept = Store.create(tmp_path_factory.mktemp("results"), "20260921-101500-0001")
    kept.begin(make_facts(), make_machine(), PLAN)
    kept.write_calibrations([make_calibration(worker=worker) for worker in WORKERS])
    trials = make_trials(PLAN, rps=noisy_rps())
    each = -(-SAMPLES // len(trials))
    step_us = 2_500_000 // each
    samples = request_table.with_tables(
        make_raw(sample_bytes(done_us=range(0, step_us * each, step_us)))
    )
    for trial in trials:
        kept.append(trial, samples)
    return kept.folder


@dataclass(frozen=True, kw_only=True)
class Took:
    """What a process took: seconds by the clock and of CPU, and its most memory in bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: float


MEASURE = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(json.dumps([code, *resource.getrusage(resource.RUSAGE_CHILDREN)[:3]]))
"""
"""In a small process of its own: the kernel's peak of a program begins with the size of the process
that started it, and that of all tests is larger than a report's."""


def measured(*argv: str) -> Took:
    """Run a command of ours to its end."""
    began_s = time.monotonic()
    said = subprocess.run(
        (sys.executable, "-S", "-c", MEASURE, sys.executable, "-m", "loadtests", *argv),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    code, user_s, system_s, peak = json.loads(said)
    assert code in VERDICTS
    return Took(
        wall_s=time.monotonic() - began_s,
        cpu_s=user_s + system_s,
        peak_bytes=float(peak * (1 if sys.platform == "darwin" else KIBIBYTE)),
    )


LIBRARIES = "import numpy, scipy.special, pydantic, rich.console"


def against_libraries(imports: str, *argv: str) -> tuple[Took, float]:
    """Run a command several times; give the fastest, and it over what its libraries take alone.

    Cores here differ twofold in speed from one hour to the next, which seconds would be blamed for.
    The two are taken in turns, so that both meet the same core.
    """
    took, loaded = [], []
    for _ in range(ATTEMPTS):
        took.append(measured(*argv))
        began_s = time.monotonic()
        subprocess.run((sys.executable, "-c", imports), check=True)
        loaded.append(time.monotonic() - began_s)
    fastest = min(took, key=lambda each: each.wall_s)
    print(argv, fastest, f"libraries {min(loaded):.2f} s")
    return fastest, fastest.wall_s / min(loaded)


def test_the_report_of_a_million_requests_takes_300_megabytes_and_no_time(run: Path) -> None:
    """Two seconds where the libraries take half a second; measured 2.4 to 3.4 times as long."""
    took, ratio = against_libraries(f"{LIBRARIES}, jinja2", "report", str(run))

    assert ratio <= 4
    assert took.peak_bytes <= 300e6


def test_a_million_requests_are_exported_in_the_memory_of_one_trial(run: Path) -> None:
    took = measured("export", str(run))

    target = run / "samples.csv"
    with target.open("rb") as file:
        assert sum(1 for _ in file) >= SAMPLES + 1
    target.unlink()
    assert took.cpu_s <= 15
    assert took.peak_bytes <= 300e6


def test_help_is_there_at_once() -> None:
    """Measured 2.0 to 3.0 times what its libraries take."""
    _, ratio = against_libraries(LIBRARIES, "--help")

    assert ratio <= 4
