from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from loadtests.environments.proxy_shell import ProxyShell
from loadtests.model.errors import ProcessFailure
from loadtests.tools import proc


@pytest.fixture(autouse=True)
def quit_is_heard() -> Iterator[None]:
    """What a shell starts in the background ignores SIGQUIT, and so do its children.

    nginx's workers handle it themselves. The programs that stand for them here do not.
    """
    before = signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGQUIT, before)


def here(*command: str) -> tuple[str, ...]:
    return command


def wait_for_the_end_of(child: proc.Child) -> None:
    proc.wait_until(lambda: child.code is not None, limit_s=10, failure="it still runs")


def test_it_ends_the_processes_it_is_given_one_after_another(tmp_path: Path) -> None:
    with (
        proc.Child(("sleep", "60"), log=tmp_path / "1.log") as first,
        proc.Child(("sleep", "60"), log=tmp_path / "2.log") as second,
    ):
        shell = ProxyShell(here, tmp_path / "logs")
        for sleeper in (first, second):
            shell.end(sleeper.pid)
            wait_for_the_end_of(sleeper)
        shell.close()
        shell.close()


def test_a_process_that_is_gone_already_does_not_end_it(tmp_path: Path) -> None:
    with proc.Child(("true",), log=tmp_path / "1.log") as gone:
        wait_for_the_end_of(gone)
    shell = ProxyShell(here, tmp_path / "logs")
    shell.end(gone.pid)
    with proc.Child(("sleep", "60"), log=tmp_path / "2.log") as other:
        shell.end(other.pid)
        wait_for_the_end_of(other)
    shell.close()


def test_a_container_that_is_gone_is_an_error(tmp_path: Path) -> None:
    shell = ProxyShell(lambda *_: ("false",), tmp_path / "logs")

    with suppress(ProcessFailure):
        shell.end(1)  # it may not have ended yet
    proc.sleep(0.5)
    with pytest.raises(ProcessFailure, match="ended with code 1"):
        shell.end(1)
    shell.close()
