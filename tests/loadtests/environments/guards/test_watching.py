"""What the watchdogs of all backends have in common."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from loadtests.environments.guards import watching
from loadtests.tools import proc

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Give the stopping signals their handlers back."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _harness_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"done\n")))


def test_what_a_watchdog_leaves_running_ends_by_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert watching.watch() == ("done",)

    script = "sleep 3 & kill -TERM $!; wait $!; echo $?"
    done = proc.run(("sh", "-c", script), may_leave=True)

    assert done.stdout == f"{128 + signal.SIGTERM}\n"


def test_a_watchdog_goes_on_after_signals_that_stop_the_harness() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    watching.watch()

    for number in STOPPING:
        os.kill(os.getpid(), number)


def test_under_nohup_what_a_watchdog_starts_ignores_sighup_like_the_harness() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    watching.watch()

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
