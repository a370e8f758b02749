import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtests.environments.processes import launch
from loadtests.tools import proc, procfs

linux = pytest.mark.skipif(sys.platform != "linux", reason="affinity and /proc are Linux's")


def launched(
    folder: Path,
    *argv: str,
    parent: int | None = None,
    join: Sequence[Path] = (),
    cores: Sequence[int] = (),
) -> tuple[str, ...]:
    job = {
        "note": str(folder / "note"),
        "parent": os.getpid() if parent is None else parent,
        "join": [str(path) for path in join],
        "cores": list(cores),
        "argv": argv,
    }
    return (sys.executable, "-I", "-S", launch.__file__, json.dumps(job))


def test_it_becomes_the_program_with_the_same_process_id_which_it_noted(tmp_path: Path) -> None:
    says_its_id = "import os, time; print(os.getpid(), flush=True); time.sleep(30)"
    argv = launched(tmp_path, sys.executable, "-c", says_its_id)
    with proc.Child(argv, log=tmp_path / "log") as child:
        printed_pid = int(child.receive(10))
        facts = procfs.facts_of(child.pid)
        child.close(grace_s=0)

    pid, _, started = (tmp_path / "note").read_text().partition(" ")
    assert int(pid) == child.pid == printed_pid
    assert facts is not None
    if sys.platform == "linux":
        assert started == facts.started


def test_it_joins_its_groups_before_it_becomes_anything(tmp_path: Path) -> None:
    group = tmp_path / "cgroup.procs"

    done = proc.run(launched(tmp_path, "cat", str(group), join=[group]))

    assert done.stdout == (tmp_path / "note").read_text().split()[0]


@linux
def test_it_runs_on_the_cores_that_it_was_given(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    script = "import os; print(os.sched_getaffinity(0))"

    done = proc.run(launched(tmp_path, sys.executable, "-c", script, cores=[core]))

    assert done.stdout.strip() == str({core})


def test_it_does_not_become_anything_when_its_parent_has_gone(tmp_path: Path) -> None:
    done = proc.run(launched(tmp_path, "echo", "alive", parent=1 << 22), check=False)

    assert (done.code, done.stdout, done.stderr) == (1, "", "The harness has ended.\n")


def test_it_may_open_as_many_files_as_the_system_lets_it(tmp_path: Path) -> None:
    script = "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE))"

    limits = eval(proc.run(launched(tmp_path, sys.executable, "-c", script)).stdout)

    assert limits[0] == min(65536, limits[1])


@linux
def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    sleeper = launched(tmp_path, "sleep", "60", parent=0)
    starts_and_dies = (
        "import json, os, subprocess, sys, time\n"
        f"argv = {list(sleeper)!r}\n"
        "job = json.loads(argv[-1]) | {'parent': os.getpid()}\n"
        "child = subprocess.Popen([*argv[:-1], json.dumps(job)], start_new_session=True)\n"
        f"while not os.path.exists('/proc/%d/comm' % child.pid) or "
        "open('/proc/%d/comm' % child.pid).read() != 'sleep\\n': time.sleep(0.01)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = proc.run((sys.executable, "-c", starts_and_dies), check=False)

    pid = int(done.stdout)
    proc.wait_until(
        lambda: procfs.facts_of(pid) is None, limit_s=5, failure=f"process {pid} lives on"
    )
