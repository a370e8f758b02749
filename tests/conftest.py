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
    """Let the tests on the engine run one after the other, whatever runs beside them."""
    if "PYTEST_XDIST_WORKER" not in os.environ or item.get_closest_marker("docker") is None:
        return (yield)
    with Path(__file__).open() as own_file:
        fcntl.flock(own_file, fcntl.LOCK_EX)
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def hangup_is_heard() -> Iterator[None]:
    """Under nohup it is ignored, by every program that a test starts too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session", autouse=True)
def locks_are_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of tests side by side measure nothing that counts, so they do not wait for another."""
    before = os.environ.get("TWOFOLD_LOCK_FOLDER")
    os.environ["TWOFOLD_LOCK_FOLDER"] = str(tmp_path_factory.mktemp("locks"))
    yield
    os.environ.pop("TWOFOLD_LOCK_FOLDER")
    if before is not None:
        os.environ["TWOFOLD_LOCK_FOLDER"] = before
