"""Cores are kept awake where that is possible and does no harm, and what it costs is counted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from loadtests.environments.keep_awake import kept_awake
from loadtests.tools import host, proc, procfs

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has an idle class")


@LINUX
def test_what_is_computed_for_nothing_is_counted_and_ends_with_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "own_cpu_limit", lambda: None)
    core = min(os.sched_getaffinity(0))
    before = {one.pid for one in procfs.family(os.getpid())}

    with kept_awake((core,), tmp_path / "awake.log") as awake:
        proc.wait_until(lambda: awake.cpu_s() > 0.05, limit_s=20, failure=lambda: "it is idle")
        mine = {one.pid for one in procfs.family(os.getpid())} - before

    proc.wait_until(
        lambda: not any(proc.alive(pid) for pid in mine), limit_s=10, failure=lambda: "it stays"
    )
    assert mine


def test_a_harness_with_a_cpu_limit_of_its_own_does_not_spend_it_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "own_cpu_limit", lambda: 2.0)

    with kept_awake((0,), tmp_path / "awake.log") as awake:
        assert awake.cpu_s() == 0.0
    assert not (tmp_path / "awake.log").exists()


def test_cores_of_another_machine_are_left_alone(tmp_path: Path) -> None:
    with kept_awake((), tmp_path / "awake.log") as awake:
        assert awake.cpu_s() == 0.0
