"""What holds for all tests."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from loadtests.tools import host


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tests that are slow mostly wait, so one process more than there are cores runs them."""
    return len(host.usable_cores()) + ("parallel" in config.option.markexpr)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let two tests on the engine run at a time at most, whatever runs beside them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or item.get_closest_marker("docker") is None:
        return (yield)
    turns = sorted(Path(__file__).parent.glob("*.py"))[:2]  # any two files that all workers have
    with turns[int(worker.removeprefix("gw")) % 2].open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def hangup_is_heard() -> Iterator[None]:
    """Under nohup it is ignored, by every program that a test starts too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_shared_with_other_sessions(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Runs of tests side by side do not wait for one another, and write nothing into the home."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TWOFOLD_LOCK_FOLDER", str(tmp_path_factory.mktemp("locks")))
        environment.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
