import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.environments.processes import cpu_limits, leftovers
from loadtests.environments.processes.cpu_limits import NoMeans, OwnGroups, Scopes
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import cgroup, proc
from loadtests.tools.cgroup import Group

TREES = {1: ("cpu", "cpuacct"), 2: ("cpu",)}


def make_group(root: Path, version: int, below: str = "") -> Group:
    """A group in trees that look like the kernel's."""
    tops = {name: root / name for name in TREES[version]}
    for top in tops.values():
        (top / below).mkdir(parents=True, exist_ok=True)
    folders = {name: top / below for name, top in tops.items()}
    return Group(version=version, folders=folders, tops=tops)


def make_groups(root: Path, version: int) -> OwnGroups:
    return OwnGroups(stack="twofold-1", nest=make_group(root, version))


def test_in_version_1_a_member_joins_a_group_in_each_tree(tmp_path: Path) -> None:
    groups = make_groups(tmp_path, 1)

    placement = groups.place("sync-1")

    stack = (tmp_path / "cpu/twofold-1", tmp_path / "cpuacct/twofold-1")
    assert groups.folders == stack
    assert placement.join == tuple(folder / "sync-1/cgroup.procs" for folder in stack)
    assert placement.prefix == ()
    assert all((folder / "sync-1").is_dir() for folder in stack)


def test_in_version_2_the_stacks_group_hands_the_cpu_controller_on(tmp_path: Path) -> None:
    make_groups(tmp_path, 2).place("sync-1")

    assert (tmp_path / "cpu/twofold-1/cgroup.subtree_control").read_text() == "+cpu"


def test_a_budget_is_written_as_each_version_wants_it(tmp_path: Path) -> None:
    for version, files in (
        (1, {"cpu.cfs_quota_us": "15000", "cpu.cfs_period_us": "100000"}),
        (2, {"cpu.max": "15000 100000"}),
    ):
        groups = make_groups(tmp_path / str(version), version)
        groups.place("sync-1")

        groups.hold("sync-1", 1, 0.15)

        folder = tmp_path / str(version) / "cpu/twofold-1/sync-1"
        assert {name: (folder / name).read_text() for name in files} == files


def test_version_1_needs_both_trees_to_be_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_group(tmp_path, 1)

    assert cpu_limits.find_nest(own) is not None
    monkeypatch.setattr(os, "access", lambda path, mode: "cpuacct" not in str(path))
    assert cpu_limits.find_nest(own) is None


def delegate(folder: Path, controllers: str) -> None:
    (folder / "cgroup.subtree_control").write_text(controllers)
    (folder / "cgroup.procs").write_text("")


def test_version_2_takes_the_nearest_group_above_that_hands_cpu_on(tmp_path: Path) -> None:
    own = make_group(tmp_path, 2, "user/service/app/me")
    delegate(tmp_path / "cpu", "cpu memory\n")
    delegate(tmp_path / "cpu/user/service", "cpu memory\n")
    delegate(tmp_path / "cpu/user/service/app", "memory\n")

    nest = cpu_limits.find_nest(own)

    assert nest is not None
    assert nest.folders["cpu"] == tmp_path / "cpu/user/service"


def test_version_2_without_a_delegated_group_has_no_nest(tmp_path: Path) -> None:
    own = make_group(tmp_path, 2, "me")
    delegate(tmp_path / "cpu/me", "memory\n")

    assert cpu_limits.find_nest(own) is None


# -- choosing ---------------------------------------------------------------------------------


@pytest.fixture
def v2_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """A machine of version 2, started by systemd, on which no group can be made directly."""
    own = make_group(tmp_path, 2, "me")
    monkeypatch.setattr(cgroup, "group_of", lambda pid: own)
    monkeypatch.setattr("loadtests.tools.systemd.RUNNING", str(tmp_path))
    return own


def answer(monkeypatch: pytest.MonkeyPatch, stdout: str | None) -> list[tuple[str, ...]]:
    """Let every program write this, or fail where it is None; give the commands that were run."""
    asked: list[tuple[str, ...]] = []

    def recorded(argv: tuple[str, ...], **_: object) -> proc.Completed:
        asked.append(argv)
        if stdout is None:
            raise ProcessFailure("Failed to connect to bus: No medium found")
        return proc.Completed(argv=argv, code=0, stdout=stdout, stderr="")

    monkeypatch.setattr(proc, "run", recorded)
    return asked


def test_a_user_with_systemd_gets_scopes_that_were_tried_first(
    v2_machine: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "50000 100000\n")

    way = cpu_limits.find("twofold-1", user=True)

    assert isinstance(way, Scopes)
    assert way.can_budget
    assert "CPUQuota=50%" in asked[0]
    assert way.place("sync-1").prefix[-2:] == ("--unit=twofold-1-sync-1", "--")


@pytest.mark.parametrize("quota", [None, "max 100000\n", ""])
def test_where_systemd_sets_no_quota_and_nothing_is_delegated_there_are_no_budgets(
    v2_machine: Group, monkeypatch: pytest.MonkeyPatch, quota: str | None
) -> None:
    answer(monkeypatch, quota)

    way = cpu_limits.find("twofold-1", user=True)

    assert isinstance(way, NoMeans)
    assert not way.can_budget
    assert "none can be made by an ordinary user" in way.description
    with pytest.raises(EnvironmentFailure, match=r"sync-1 cannot be held to 0\.1 CPU"):
        way.hold("sync-1", 1, 0.1)


def test_without_control_groups_there_are_no_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "group_of", lambda pid: None)

    assert "no control groups" in cpu_limits.find("twofold-1").description


def make_scope(root: Path, quota: str) -> Group:
    group = make_group(root, 2, "twofold-1-sync-1.scope")
    (group.folders["cpu"] / "cpu.max").write_text(quota)
    return group


def test_a_budget_that_systemd_took_but_did_not_set_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "")
    scopes = Scopes(stack="twofold-1", user=True)
    monkeypatch.setattr(cgroup, "group_of", lambda pid: make_scope(tmp_path, "10000 100000"))
    scopes.hold("sync-1", 7, 0.1)

    monkeypatch.setattr(cgroup, "group_of", lambda pid: make_scope(tmp_path, "max 100000"))
    with pytest.raises(EnvironmentFailure, match="the kernel has none"):
        scopes.hold("sync-1", 7, 0.1)


def test_a_member_that_is_not_yet_in_its_scope_has_no_group_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "group_of", lambda pid: make_group(tmp_path, 2, "me"))

    assert Scopes(stack="twofold-1", user=True).group("sync-1", 7) is None


# -- on this machine --------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnGroups]:
    way = cpu_limits.find(f"twofold-test-{os.getpid()}")
    if not isinstance(way, OwnGroups):
        pytest.skip(f"no control group can be made here: {way.description}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = leftovers.make()
    leftovers.claim(folder, way.folders)
    yield way
    leftovers.clear(folder)
    assert not any(group.exists() for group in way.folders)


@pytest.mark.slow  # a second of computing under a budget
def test_a_member_gets_its_budget_and_no_more(here: OwnGroups, tmp_path: Path) -> None:
    join = here.place("busy").join
    spin = f"import os\nfor path in {[str(path) for path in join]}: open(path, 'w').write('0')\n"
    spin += "print('in', flush=True)\nwhile True: pass"
    with proc.Child((sys.executable, "-c", spin), log=tmp_path / "log") as child:
        child.receive(10)
        here.hold("busy", child.pid, 0.2)
        group = here.group("busy", child.pid)
        assert group is not None
        before, started_s = cgroup.read(group), proc.monotonic_s()
        proc.sleep(1.0)
        after, span_s = cgroup.read(group), proc.monotonic_s() - started_s
        child.close(grace_s=0)

    assert (after.cpu_s - before.cpu_s) / span_s == pytest.approx(0.2, abs=0.05)
    assert (after.throttled_periods or 0) > (before.throttled_periods or 0)
