"""What holds for all tests."""

from __future__ import annotations

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
def nothing_is_shared_with_other_sessions(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Runs of tests side by side do not wait for one another, and write nothing into the home."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TWOFOLD_LOCK_FOLDER", str(tmp_path_factory.mktemp("locks")))
        environment.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
