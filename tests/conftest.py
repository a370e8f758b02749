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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests on the engine come first: one process has them, while others do the rest."""
    items.sort(key=lambda item: item.get_closest_marker("docker") is None)


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
def nothing_is_shared_with_other_sessions(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Runs of tests side by side do not wait for one another, and write nothing into the home."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TWOFOLD_LOCK_FOLDER", str(tmp_path_factory.mktemp("locks")))
        environment.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
