from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.generator_bench import processes
from scripts.generator_bench.processes import children_of, held, real_time

pytestmark = pytest.mark.slow  # one holds a core for a second, and must have it alone


@pytest.fixture
def busy() -> Iterator[int]:
    process = subprocess.Popen((sys.executable, "-c", "while True: pass"))
    yield process.pid
    process.kill()
    process.wait()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("group", [True, False])
def test_a_held_process_gets_little_of_a_core(
    busy: int, group: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not group:
        monkeypatch.setattr(processes, "V1", tmp_path / "not there")
    time.sleep(0.1)
    with held(busy, 0.1) as mechanism:
        before_s = cpu_s(busy)
        time.sleep(1.0)
        used_s = cpu_s(busy) - before_s

    assert used_s < 0.3
    assert mechanism in ("control group", "signals")
    if not group:
        assert mechanism == "signals"


def test_a_process_that_is_let_go_runs_on(busy: int) -> None:
    with held(busy, 0.1):
        pass
    before_s = cpu_s(busy)
    time.sleep(0.5)

    assert cpu_s(busy) - before_s > 0.1


def test_a_process_goes_first_only_inside_the_block(busy: int) -> None:
    with real_time(busy) as permitted:
        inside = os.sched_getscheduler(busy)

    assert inside == (os.SCHED_FIFO if permitted else os.SCHED_OTHER)
    assert os.sched_getscheduler(busy) == os.SCHED_OTHER


def test_children_are_found() -> None:
    script = "import subprocess, sys; subprocess.run(['sleep', '5'])"
    with subprocess.Popen((sys.executable, "-c", script)) as parent:
        limit = time.monotonic() + 5
        while not children_of(parent.pid) and time.monotonic() < limit:
            time.sleep(0.01)
        children = children_of(parent.pid)
        parent.kill()

    assert len(children) == 1
    subprocess.run(("kill", str(children[0])), check=True)
