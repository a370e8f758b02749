import os
import sys
from pathlib import Path

import pytest

from loadtests.model.machine import Machine
from loadtests.model.stack import HostReading
from loadtests.tools import host

STAT = """\
cpu  100 0 100 1000 0 0 0 10 0 0
cpu0 40 2 30 500 20 3 5 7 30 0
cpu1 60 0 70 500 0 0 0 3 0 0
intr 5 0 0
"""


def test_the_named_cores_are_added_up_and_guests_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "TICKS_PER_S", 100)

    assert host.parse_host(STAT, [0], at_s=5.0) == HostReading(
        at_s=5.0, busy_s=0.8, steal_s=0.07, idle_s=5.2, cores=1
    )
    assert host.parse_host(STAT, [0, 1], at_s=5.0).busy_s == pytest.approx(2.1)


def test_a_core_that_is_not_there_counts_for_nothing() -> None:
    assert host.parse_host(STAT, [7], at_s=5.0) == HostReading(
        at_s=5.0, busy_s=0, steal_s=0, idle_s=0, cores=0
    )


def test_core_1_is_not_taken_for_core_10() -> None:
    stat = STAT + "cpu10 9999 0 0 0 0 0 0 0 0 0\n"

    assert host.parse_host(stat, [1], at_s=0) == host.parse_host(STAT, [1], at_s=0)


def test_a_system_that_does_not_tell_gives_no_reading(tmp_path: Path) -> None:
    assert host.read_host([0], proc_root=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7571\n", "AMD EPYC 7571"),
        ("processor : 0\nModel\t\t: Raspberry Pi 4 Model B\n", "Raspberry Pi 4 Model B"),
        ("processor : 0\nCPU implementer : 0x41\n", None),
    ],
)
def test_the_processors_name_is_found_where_there_is_one(text: str, model: str | None) -> None:
    assert host.parse_cpu_model(text) == model


def make_machine(root: Path, *, quota: str) -> Machine:
    """The machine of a process in one group of version 2 with this quota."""
    (root / "proc" / str(os.getpid())).mkdir(parents=True)
    (root / "proc/self").mkdir()
    (root / "proc" / str(os.getpid()) / "cgroup").write_text("0::/job\n")
    (root / "proc/self/mountinfo").write_text("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 none rw\n")
    (root / "cgroup/job").mkdir(parents=True)
    (root / "cgroup/job/cpu.stat").write_text("usage_usec 1\n")
    (root / "cgroup/job/cpu.max").write_text(quota)
    (root / "cgroup/job/memory.max").write_text("1000000\n")
    return host.read_machine(
        can_budget=True,
        proc_root=root / "proc",
        cgroup_root=root / "cgroup",
        sys_root=root / "sys",
    )


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000\n", (2, 3, 5)), ("250000 100000\n", (2, 3)), ("50000 100000\n", (2,))],
)
def test_a_groups_cpu_limit_leaves_its_whole_cores_and_at_least_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: tuple[int, ...]
) -> None:
    monkeypatch.setattr(host, "usable_cores", lambda: (2, 3, 5))

    machine = make_machine(tmp_path, quota=quota)

    assert machine.core_ids == cores
    assert machine.cores == len(cores)
    assert machine.memory_bytes == 1_000_000
    assert machine.cgroup == "v2"


def tell_siblings(root: Path, lists: dict[int, str]) -> None:
    """Write what the kernel says of each logical CPU's siblings."""
    for core, text in lists.items():
        folder = root / f"sys/devices/system/cpu/cpu{core}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("lists", "usable", "threads"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, (0, 1, 2, 3), ((0, 1), (2, 3))),
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, (0, 1, 2, 3), ((0, 2), (1, 3))),
        ({0: "0-1", 1: "0-1", 2: "2", 3: "3"}, (0, 1, 2, 3), ((0, 1), (2,), (3,))),
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, (1, 3), ()),  # one of each may be used
        ({0: "0", 1: "1"}, (0, 1), ()),
        ({}, (0, 1), ()),  # the system does not say it
        ({0: "?", 1: "?"}, (0, 1), ()),
    ],
)
def test_the_threads_of_each_core_are_known_where_the_system_says_it(
    tmp_path: Path,
    lists: dict[int, str],
    usable: tuple[int, ...],
    threads: tuple[tuple[int, ...], ...],
) -> None:
    tell_siblings(tmp_path, lists)

    assert host.hardware_threads(usable, sys_root=tmp_path / "sys") == threads


def test_a_machine_has_cores_beside_its_logical_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "usable_cores", lambda: (0, 1, 2, 3))
    tell_siblings(tmp_path, {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"})

    machine = make_machine(tmp_path, quota="max 100000\n")

    assert (machine.cores, machine.physical_cores) == (4, 2)
    assert machine.cores_in_words == "4 logical CPUs, 2 cores"


def test_a_cpu_limit_leaves_as_many_cores_as_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "usable_cores", lambda: (0, 1, 2, 3))
    tell_siblings(tmp_path, {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"})

    machine = make_machine(tmp_path, quota="200000 100000\n")

    assert machine.core_ids == (0, 2)
    assert machine.cores_in_words == "2 cores"


def test_without_control_groups_all_usable_cores_count(tmp_path: Path) -> None:
    machine = host.read_machine(can_budget=False, proc_root=tmp_path)

    assert machine.core_ids == host.usable_cores()
    assert machine.cgroup is None
    assert not machine.can_budget
    assert machine.cpu_model


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_this_machine_has_been_busy_and_idle() -> None:
    reading = host.read_host(host.usable_cores())

    assert reading is not None
    assert reading.cores == len(host.usable_cores())
    assert reading.busy_s > 0


def test_how_many_connections_may_wait_is_read_where_the_system_says_it(tmp_path: Path) -> None:
    limit = tmp_path / "sys/net/core/somaxconn"
    limit.parent.mkdir(parents=True)
    limit.write_text("128\n")

    assert host.queue_limit(proc_root=tmp_path) == 128
    assert host.queue_limit(proc_root=tmp_path / "none") is None
