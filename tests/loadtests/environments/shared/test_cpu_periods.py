from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.environments.shared import cpu_periods
from loadtests.tools import cgroup, proc
from loadtests.tools.cgroup import Group

CPU = Path("/sys/fs/cgroup/cpu")
"""The tree of version 1, where this machine has it."""

NAMES = ("gthread-1", "gthread-2", "gthread-3", "gthread-4", "sync-1", "sync-2")
SETS = (NAMES[:4], NAMES[4:])


def group(name: str) -> Group:
    return Group(version=2, folders={"cpu": Path(name)}, tops={})


Written = list[tuple[str, int, float]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """Which group gets which period, and when, by a clock that only sleeps move."""
    clock, written = [10.0], Written()

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def write(of: Group, period_us: int) -> None:
        written.append((of.folders["cpu"].name, period_us, round(clock[0] - 10.0, 3)))

    monkeypatch.setattr(proc, "monotonic_s", lambda: clock[0])
    monkeypatch.setattr(proc, "sleep", sleep)
    monkeypatch.setattr(cgroup, "set_period", write)
    return written


def test_replicas_of_one_worker_model_are_a_set(written: Written) -> None:
    assert cpu_periods.spread_by_model(NAMES, group)
    by_model = list(written)
    written.clear()
    assert cpu_periods.spread(SETS, group)

    assert [(name, period_us) for name, period_us, _ in by_model] == [
        (name, period_us) for name, period_us, _ in written
    ]


def test_periods_of_a_set_begin_at_equal_distances(written: Written) -> None:
    assert cpu_periods.spread(SETS, group)

    assert written[:6] == [(name, 1_000, 0.0) for name in NAMES]
    begun = {name: at for name, period_us, at in written[6:] if period_us == 100_000}
    assert [begun[name] for name in NAMES[:4]] == [0.25, 0.275, 0.3, 0.325]
    assert begun["sync-1"] == begun["gthread-1"]
    assert begun["sync-2"] - begun["sync-1"] == pytest.approx(0.05)


def test_a_timer_that_has_stopped_is_started_at_that_moment(written: Written) -> None:
    cpu_periods.spread(SETS, group)

    assert written[6:8] == [("gthread-1", 1_000, 0.25), ("gthread-1", 100_000, 0.25)]


def test_by_calls_that_take_long_each_has_a_period_of_its_own_to_begin_in() -> None:
    clock, begun = [10.0], dict[str, float]()

    def call(name: str, period_us: int) -> None:
        clock[0] += 0.03
        if period_us == 1_000:
            begun[name] = clock[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proc, "monotonic_s", lambda: clock[0])
        patch.setattr(proc, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
        cpu_periods.spread_by_calls(SETS, call)

    first = begun["gthread-1"]
    phases = [(begun[name] - first) % 0.1 for name in NAMES[:4]]
    assert phases == pytest.approx([0.0, 0.025, 0.05, 0.075])
    assert (begun["sync-2"] - begun["sync-1"]) % 0.1 == pytest.approx(0.05)


def test_where_a_group_is_not_seen_all_stay_as_they_are(written: Written) -> None:
    assert not cpu_periods.spread(SETS, lambda name: None if name == "sync-2" else group(name))
    assert written == []


def test_a_period_that_this_user_may_not_set_leaves_no_group_without_a_limit(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = cgroup.set_period

    def refused(of: Group, period_us: int) -> None:
        if of.folders["cpu"].name == "sync-1":
            raise PermissionError
        write(of, period_us)

    monkeypatch.setattr(cgroup, "set_period", refused)

    assert not cpu_periods.spread(SETS, group)
    last = {name: period_us for name, period_us, _ in written}
    assert last
    assert set(last.values()) == {100_000}


@pytest.mark.skipif(not os.access(CPU, os.W_OK), reason="this user creates no control groups")
def test_the_kernel_hands_out_budgets_in_turn_then(tmp_path: Path) -> None:
    """Two busy programs of 0.1 CPU: a group's periods are counted when they begin."""
    folder = CPU / f"twofold-test-{os.getpid()}"
    names, busy = ("w-1", "w-2"), "import time\nwhile True: time.monotonic()"
    groups = {name: in_kernel(folder / name) for name in names}
    with ExitStack() as stack:
        stack.callback(folder.rmdir)
        folder.mkdir()
        for name, each in groups.items():
            stack.callback((folder / name).rmdir)
            (folder / name).mkdir()
            cgroup.set_cpu(each, 0.1)
        for name in names:
            argv = (sys.executable, "-c", busy)
            child = stack.enter_context(proc.Child(argv, log=tmp_path / "busy.log"))
            (folder / name / "cgroup.procs").write_text(str(child.pid))

        assert cpu_periods.spread([names], groups.get)

        begins = begins_of(groups)
    apart_s = (begins["w-2"] - begins["w-1"]) % 0.1
    assert apart_s == pytest.approx(0.05, abs=0.015)


def in_kernel(folder: Path) -> Group:
    return Group(version=1, folders={"cpu": folder}, tops={"cpu": CPU})


def begins_of(groups: Mapping[str, Group]) -> dict[str, float]:
    """Return a moment at which a period of each group began, by the monotonic clock."""
    begins: dict[str, float] = {}
    for name, each in groups.items():
        before = periods_of(each)
        proc.wait_until(
            lambda each=each, before=before: periods_of(each) > before,  # type: ignore[misc]
            limit_s=10,
            failure="no period began",
            every_s=0.001,
        )
        begins[name] = proc.monotonic_s()
    return begins


def periods_of(group: Group) -> int:
    return int((group.folders["cpu"] / "cpu.stat").read_text().split()[1])
