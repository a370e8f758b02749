"""The hooks that only read: what a run gets from them, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.environments.external import hooks as read_by
from loadtests.tools import cgroup
from scripts.own_deployment import printed, state
from tests.scripts.own_deployment.test_state import DEAD, a_member, a_state

V1_STAT = "nr_periods 100\nnr_throttled 40\nthrottled_time 2500000000\n"
V2_STAT = "usage_usec 12500000\nuser_usec 1\nsystem_usec 1\nnr_periods 9\nthrottled_usec 2500000\n"


def asked(hook: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-I", "-S", printed.__file__, hook, str(folder))
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def group_files(folder: Path, version: int) -> dict[str, str]:
    (folder / "cpu.stat").write_text(V1_STAT if version == 1 else V2_STAT)
    (folder / "cpuacct.usage").write_text("12500000000\n")
    usage = str(folder / "cpuacct.usage") if version == 1 else ""
    return {"stat_file": str(folder / "cpu.stat"), "usage_file": usage}


def test_only_replicas_that_live_are_named_by_address_and_container(tmp_path: Path) -> None:
    state.write(tmp_path, a_state(a_member(), a_member(**DEAD)))

    done = asked("replicas", tmp_path)

    assert read_by.parse_replicas(done.stdout) == {"172.20.0.3:8000": "0123456789ab"}
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("version", [1, 2])
def test_counters_are_printed_as_a_run_reads_them(tmp_path: Path, version: int) -> None:
    files = group_files(tmp_path, version)
    state.write(tmp_path, a_state(a_member(**files), a_member(**DEAD | files)))

    (counter,) = read_by.parse_counters(asked("counters", tmp_path).stdout)

    assert (counter.name, counter.limit_cpus) == ("172.20.0.3:8000", 0.1)
    assert (counter.cpu_s, counter.throttled_s) == (12.5, 2.5)
    assert counter.at_s is not None


def test_the_figures_are_those_that_a_run_reads_under_compose(tmp_path: Path) -> None:
    for version, text in ((1, V1_STAT), (2, V2_STAT)):
        files = group_files(tmp_path, version)
        (tmp_path / "cpu.stat").write_text(text)
        group = cgroup.Group(
            version=version, folders={"cpu": tmp_path, "cpuacct": tmp_path}, tops={}
        )

        read = cgroup.read(group)
        assert printed.used(files) == (read.cpu_s, read.throttled_s)


def test_a_replica_whose_group_has_just_gone_is_left_out(tmp_path: Path) -> None:
    gone = {"stat_file": str(tmp_path / "gone"), "usage_file": ""}
    state.write(tmp_path, a_state(a_member(**gone)))

    assert asked("counters", tmp_path).stdout == ""


def test_a_deployment_that_is_gone_is_an_error(tmp_path: Path) -> None:
    done = asked("replicas", tmp_path)

    assert done.returncode == 1
    assert "There is no deployment in" in done.stderr
