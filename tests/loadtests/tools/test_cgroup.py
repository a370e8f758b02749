import os
import shutil
from pathlib import Path

import pytest

from loadtests.tools import cgroup
from loadtests.tools.cgroup import Counters, Group

# Captured from a Firecracker machine with version 1 (each controller by itself, and the other
# version's tree beside them without any), and from Debian 13 with systemd and version 2.
MOUNTS_V1 = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
MEMBER_V1 = """\
9:name=systemd:/
4:memory:/group/a09d
2:cpuacct:/docker/4be1
1:cpu:/docker/4be1
0::/
"""
MOUNTS_V1_JOINED = """\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev - cgroup cgroup rw,cpu,cpuacct
"""
MOUNTS_V2 = """\
25 1 0:24 / /proc rw,nosuid - proc proc rw
30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
"""
MEMBER_V2 = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/twofold.scope\n"
SCOPE = "user.slice/user-1000.slice/user@1000.service/app.slice/twofold.scope"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def find(root: Path, *, mounts: str, membership: str) -> Group | None:
    write(root, {"proc/self/mountinfo": mounts, "proc/7/cgroup": membership})
    return cgroup.group_of(7, proc_root=root / "proc", cgroup_root=root / "cgroup")


@pytest.fixture
def v1(tmp_path: Path) -> Group:
    write(
        tmp_path / "cgroup",
        {
            "cpu/docker/4be1/cpu.stat": (
                "nr_periods 250\nnr_throttled 200\nthrottled_time 1500000000\n"
            ),
            "cpu/docker/4be1/cpu.cfs_quota_us": "10000\n",
            "cpu/docker/4be1/cpu.cfs_period_us": "100000\n",
            "cpu/docker/cpu.cfs_quota_us": "-1\n",
            "cpu/docker/cpu.cfs_period_us": "100000\n",
            "cpu/docker/4be1/cgroup.procs": "12\n7\n",
            "cpuacct/docker/4be1/cpuacct.usage": "2500000000\n",
            "memory/group/a09d/memory.usage_in_bytes": "4096\n",
            "memory/group/a09d/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/group/memory.limit_in_bytes": "1073741824\n",
        },
    )
    group = find(tmp_path, mounts=MOUNTS_V1, membership=MEMBER_V1)
    assert group is not None
    return group


@pytest.fixture
def v2(tmp_path: Path) -> Group:
    write(
        tmp_path / "cgroup",
        {
            f"{SCOPE}/cpu.stat": (
                "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
                "nr_periods 250\nnr_throttled 200\nthrottled_usec 1500000\nnr_bursts 0\n"
            ),
            f"{SCOPE}/cpu.max": "max 100000\n",
            f"{SCOPE}/memory.current": "4096\n",
            f"{SCOPE}/memory.max": "max\n",
            "user.slice/user-1000.slice/cpu.max": "150000 100000\n",
            "user.slice/memory.max": "1073741824\n",
        },
    )
    group = find(tmp_path, mounts=MOUNTS_V2, membership=MEMBER_V2)
    assert group is not None
    return group


USED = Counters(cpu_s=2.5, periods=250, throttled_periods=200, throttled_s=1.5, memory_bytes=4096)


def test_version_1_is_read_from_each_controllers_own_tree(v1: Group) -> None:
    assert v1.version == 1
    assert cgroup.read(v1) == USED


def test_version_2_is_read_from_one_folder(v2: Group) -> None:
    assert v2.version == 2
    assert cgroup.read(v2) == USED


def test_the_processes_of_a_group_are_given_in_order(v1: Group) -> None:
    assert cgroup.processes(v1) == (7, 12)


def test_limits_are_the_least_of_a_group_and_all_above_it(v1: Group, v2: Group) -> None:
    assert cgroup.cpu_limit(v1) == 0.1
    assert cgroup.cpu_limit(v2) == 1.5
    assert cgroup.memory_limit(v1) == cgroup.memory_limit(v2) == 2**30


def test_where_nothing_is_limited_there_is_no_limit(v2: Group, tmp_path: Path) -> None:
    (tmp_path / "cgroup/user.slice/user-1000.slice/cpu.max").write_text("max 100000\n")
    (tmp_path / "cgroup/user.slice/memory.max").write_text("max\n")

    assert cgroup.cpu_limit(v2) is None
    assert cgroup.memory_limit(v2) is None


def test_a_group_without_a_quota_counts_no_periods(v2: Group, tmp_path: Path) -> None:
    (tmp_path / "cgroup" / SCOPE / "cpu.stat").write_text("usage_usec 10\n")
    (tmp_path / "cgroup" / SCOPE / "memory.current").unlink()

    assert cgroup.read(v2) == Counters(cpu_s=1e-5)


def test_a_group_that_has_gone_is_an_error(v1: Group, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cgroup/cpu/docker")

    with pytest.raises(OSError, match=r"cpu\.stat"):
        cgroup.read(v1)


@pytest.mark.parametrize("version", [1, 2])
def test_a_quota_is_so_many_cpus_in_each_period(v1: Group, v2: Group, version: int) -> None:
    group = {1: v1, 2: v2}[version]

    cgroup.set_cpu(group, 0.07)

    assert cgroup.cpu_limit(group) == pytest.approx(0.07)


@pytest.mark.parametrize("version", [1, 2])
def test_another_period_leaves_the_quota(v1: Group, v2: Group, version: int) -> None:
    group = {1: v1, 2: v2}[version]
    cgroup.set_cpu(group, 0.07)

    cgroup.set_period(group, 200_000)

    assert cgroup.cpu_limit(group) == pytest.approx(0.035)


@pytest.mark.parametrize("version", [1, 2])
def test_a_period_that_is_in_no_file_may_not_be_set(v1: Group, v2: Group, version: int) -> None:
    group, name = {1: (v1, "cpu.cfs_period_us"), 2: (v2, "cpu.max")}[version]
    assert cgroup.may_set_period(group)

    (group.folders["cpu"] / name).unlink()

    assert not cgroup.may_set_period(group)


def test_controllers_that_share_a_tree_share_a_folder(tmp_path: Path) -> None:
    group = find(tmp_path, mounts=MOUNTS_V1_JOINED, membership="3:cpu,cpuacct:/a\n")

    assert group is not None
    assert group.folders["cpu"] == group.folders["cpuacct"] == tmp_path / "cgroup/cpu,cpuacct/a"


def test_inside_a_container_the_mounted_branch_is_the_top(tmp_path: Path) -> None:
    mounts = MOUNTS_V1_JOINED.replace(" / /sys", " /docker/4be1 /sys")

    group = find(tmp_path, mounts=mounts, membership="3:cpu,cpuacct:/docker/4be1/x\n")

    assert group is not None
    assert group.folders["cpu"] == tmp_path / "cgroup/cpu,cpuacct/x"


@pytest.mark.parametrize("path", ["/../other", "/elsewhere"])
def test_a_group_outside_of_what_is_mounted_cannot_be_read(tmp_path: Path, path: str) -> None:
    mounts = MOUNTS_V1_JOINED.replace(" / /sys", " /docker/4be1 /sys")

    assert find(tmp_path, mounts=mounts, membership=f"3:cpu,cpuacct:{path}\n") is None


def test_without_groups_or_process_there_is_none(tmp_path: Path) -> None:
    assert cgroup.group_of(1, proc_root=tmp_path) is None
    assert find(tmp_path, mounts="", membership="") is None


@pytest.mark.skipif(cgroup.group_of(os.getpid()) is None, reason="this system has no groups")
def test_the_group_of_this_process_has_used_some_cpu() -> None:
    group = cgroup.group_of(os.getpid())

    assert group is not None
    assert cgroup.read(group).cpu_s > 0


@pytest.mark.parametrize(
    ("version", "file", "text"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        (2, "memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 3\n"),
    ],
)
def test_processes_that_were_killed_out_of_memory_are_counted(
    tmp_path: Path, version: int, file: str, text: str
) -> None:
    group = Group(version=version, folders={"memory": tmp_path}, tops={})
    before = cgroup.oom_kills(group)
    (tmp_path / file).write_text(text)

    assert (before, cgroup.oom_kills(group)) == (0, 3)
