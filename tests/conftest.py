"""What holds for all tests."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from itertools import chain, groupby
from typing import IO

import pytest
from hypothesis import settings

from loadtests.tools import git, host

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
"""Its own tests make the machine slow: what an example takes there is no property."""

LANES = 2
"""Tests on the engine at a time: they wait for it more than they compute."""

LOCKED = ("conftest.py", "__init__.py")[:LANES]
"""Files of ours, one a lane, which the processes lock: they are there on every machine."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process a core, and one for each lane, which mostly waits."""
    return len(host.usable_cores()) + LANES * ("parallel" in config.option.markexpr)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the first processes begin with the tests on the engine, which take the longest.

    ``--dist worksteal`` gives each process an equal part of the list, in order, and later takes
    from the end of what another still has. So a lane's tests stand where a part begins.
    """
    processes = max(LANES, getattr(config, "workerinput", {}).get("workercount", 1))
    part = len(items) // processes
    on_engine = [item for item in items if is_on_engine(item)]
    items[:] = [item for item in items if not is_on_engine(item)]
    files = [list(tests) for _, tests in groupby(on_engine, key=lambda item: item.path)]
    for lane in range(LANES):
        items[lane * part : lane * part] = chain.from_iterable(files[lane::LANES])


def is_on_engine(item: pytest.Item) -> bool:
    """Whether a test needs a Docker engine."""
    return item.get_closest_marker("docker") is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the tests on the engine to their lanes, whatever runs beside them."""
    if "PYTEST_XDIST_WORKER" not in os.environ or not is_on_engine(item):
        return (yield)
    with ExitStack() as held:
        locks = [
            held.enter_context((item.config.rootpath / "tests" / name).open()) for name in LOCKED
        ]
        while not any(locked(lock) for lock in locks):
            time.sleep(0.1)
        return (yield)


def locked(file: IO[str]) -> bool:
    """Lock a file unless another process has; closing it unlocks it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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


@pytest.fixture(autouse=True, scope="session")
def no_job_of_a_ci_system() -> Iterator[None]:
    """A pull request's own branch is none of the repositories that tests make, nor its log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*git.TARGET_BRANCH_IN, "GITHUB_ACTIONS"):
            patch.delenv(name, raising=False)
        yield
