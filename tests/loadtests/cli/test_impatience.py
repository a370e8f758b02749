"""A second Ctrl-C ends the process at once, whatever the clean-up waits for."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time
from pathlib import Path

import pytest

from loadtests.cli import boundary
from loadtests.tools import proc
from tests.checkout import CHECKOUT
from tests.loadtests.tools.test_proc import wait_until_gone

HUNG_CLEAN_UP = """
import sys
from loadtests.cli import boundary
from loadtests.tools import proc, signals

class HangsInItsCleanUp:
    def main(self, *_, **__):
        with signals.shield():
            print("cleaning up", flush=True)
            proc.run(("sh", "-c", f"echo $$ > {sys.argv[1]}; sleep 60"))

boundary.cli = HangsInItsCleanUp()
sys.exit(boundary.run_command_line(sys.argv[2:]))
"""


def hung(tmp_path: Path, *words: str) -> proc.Child:
    argv = (sys.executable, "-c", HUNG_CLEAN_UP, str(tmp_path / "pid"), *(words or ("run",)))
    return proc.Child(argv, log=tmp_path / "log", env={"PYTHONPATH": str(CHECKOUT)})


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_a_clean_up_that_hangs_and_what_it_waits_for(
    second: signal.Signals, tmp_path: Path
) -> None:
    with hung(tmp_path) as child:
        child.receive(30)
        proc.wait_until((tmp_path / "pid").exists, limit_s=10, failure="nothing was started")
        child.signal(signal.SIGINT)
        time.sleep(boundary.REPEATED_S + 0.2)
        assert child.code is None

        child.signal(second)

        proc.wait_until(lambda: child.code is not None, limit_s=3.0, failure="it hangs on")
    assert child.code == 128 + signal.SIGINT
    assert "Watchdogs remove what still runs" in (tmp_path / "log").read_text()
    wait_until_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("words", "measures"),
    [
        (("gate", "--base", "main"), True),
        (("gate", "history"), False),
        (("gate", "--out", "x", "history"), False),
        (("gate", "--judge=verdict.json"), False),
        (("down", "--all"), False),
        (("report",), False),
    ],
)
def test_only_a_command_that_measures_speaks_of_trials_and_watchdogs(
    words: tuple[str, ...], *, measures: bool, tmp_path: Path
) -> None:
    with hung(tmp_path, *words) as child:
        child.receive(30)
        child.signal(signal.SIGINT)
        time.sleep(boundary.REPEATED_S + 0.2)
        child.signal(signal.SIGINT)
        proc.wait_until(lambda: child.code is not None, limit_s=3.0, failure="it hangs on")

    last_words = (tmp_path / "log").read_text()
    assert "twofold: Stopped at once" in last_words
    assert ("trials" in last_words, "Watchdogs" in last_words) == (measures, measures)


def test_a_signal_that_a_wrapper_passes_on_a_second_time_is_the_same_one(tmp_path: Path) -> None:
    with hung(tmp_path) as child:
        child.receive(30)
        child.signal(signal.SIGINT)
        child.signal(signal.SIGINT)
        time.sleep(0.3)

        assert child.code is None
        os.kill(child.pid, signal.SIGKILL)


@pytest.mark.parametrize(("second_s", "codes"), [(0.05, []), (0.15, [130]), (0.4, [130])])
def test_two_presses_by_hand_are_two(
    second_s: float, codes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter((7.0, 7.0 + second_s))
    ended: list[int] = []
    monkeypatch.setattr(proc, "monotonic_s", lambda: next(moments))
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(os, "write", lambda *_: 0)
    monkeypatch.setattr(proc, "signal_running", lambda _: None)
    patience = boundary._Patience()

    patience.hear(signal.SIGINT)
    patience.hear(signal.SIGINT)

    assert ended == codes


def test_the_cursor_of_a_terminal_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main, terminal = pty.openpty()
    moments = iter((0.0, 10.0))
    codes: list[int] = []
    monkeypatch.setattr(boundary, "STDERR", terminal)
    monkeypatch.setattr(proc, "monotonic_s", lambda: next(moments))
    monkeypatch.setattr(os, "_exit", codes.append)
    patience = boundary._Patience()

    patience.hear(signal.SIGINT)
    patience.hear(signal.SIGINT)

    assert os.read(main, 1000).startswith(boundary.SHOW_CURSOR)
    assert codes == [130]
    os.close(main)
    os.close(terminal)
