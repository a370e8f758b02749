"""What holds for all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest


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
