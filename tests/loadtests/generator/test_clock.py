"""Somebody sets the system's time while a trial runs, and nothing happens."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.generator import clock
from loadtests.tools import proc
from tests.checkout import CHECKOUT

MAY_READ_IT = {
    "loadtests/generator/clock.py",
    "loadtests/tools/proc/clock.py",
    # The kernel stamps data by that clock, and Locust's own events have it.
    "loadtests/generator/kernel.py",
    "loadtests/generator/http/other_clients.py",
    "loadtests/generator/http/reporter.py",
}


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_moments_go_on_when_the_systems_time_is_set(
    monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    before = clock.now_s(), proc.now_s()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + step_s)
    monkeypatch.setattr(clock, "time", time.time)

    after = clock.now_s(), proc.now_s()

    assert all(0 <= late - early < 5 for early, late in zip(before, after, strict=True))


def test_the_generator_and_the_harness_have_the_same_clock() -> None:
    assert abs(clock.now_s() - proc.now_s()) < 1.0
    assert abs(clock.now_s() - time.time()) < 60.0


def readings(file: Path) -> Iterator[int]:
    """Give the lines of a module that read the system's time."""
    tree = ast.parse(file.read_text())
    bare = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for name in node.names
        if name.name == "time"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in bare | {"time.time", "datetime.now", "datetime.utcnow"}:
                yield node.lineno


def test_nothing_else_reads_the_systems_time() -> None:
    reading = {
        str(file.relative_to(CHECKOUT)): lines
        for file in (CHECKOUT / "loadtests").rglob("*.py")
        if (lines := list(readings(file)))
    }

    assert reading.keys() - MAY_READ_IT == set()
