from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.errors import EnvironmentFailure
from loadtests.metronome import Metronome
from loadtests.tools import host, proc, procfs
from loadtests.tools.proc import Child

CORE = str(min(host.usable_cores()))


def started(tmp_path: Path, *command: str) -> Child:
    return Child((sys.executable, *command), log=tmp_path / "metronome.log")


def test_it_counts_work_and_the_cpu_time_that_took(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "loadtests.generator.metronome", CORE) as child:
        metronome = Metronome(child)

        def told() -> tuple[float, float]:
            metronome.ask()
            return metronome.answer()[int(CORE)]

        proc.wait_until(lambda: told()[0] > 0, limit_s=20, failure="no beat")
        before = told()
        proc.wait_until(lambda: told()[1] > before[1] + 0.01, limit_s=20, failure="no beat")
        work, cpu_s = (now - then for now, then in zip(told(), before, strict=True))
    assert work > 0
    assert 1e5 < work / cpu_s < 1e8


def test_its_processes_end_with_it(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "loadtests.generator.metronome", CORE) as child:
        metronome = Metronome(child)
        metronome.ask()
        metronome.answer()
        beaters = [one.pid for one in procfs.everyone() if one.parent == child.pid]
        assert len(beaters) == 1
    proc.wait_until(
        lambda: not any(proc.alive(pid) for pid in beaters), limit_s=10, failure="it beats on"
    )


def test_nonsense_is_an_error_that_names_the_log(tmp_path: Path) -> None:
    with started(tmp_path, "-c", "input(); print('tick')") as child:
        metronome = Metronome(child)
        metronome.ask()
        with pytest.raises(EnvironmentFailure, match=r"tick.*metronome\.log"):
            metronome.answer()
