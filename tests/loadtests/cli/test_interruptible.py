"""A command that measures nothing ends at the first signal, wherever it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest

from loadtests.gate import result_files
from loadtests.results import run_folder
from tests.checkout import CHECKOUT
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.cli.commands.test_down import Left


def signalled(number: signal.Signals) -> Any:
    """Give a piece of work that a signal reaches; without an end it would be a defect."""

    def work(*_: object, **__: object) -> None:
        signal.raise_signal(number)
        raise AssertionError("It went on after a signal.")

    return work


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("argv", [("report",), ("compare",), ("explain",), ("export",)])
def test_a_signal_ends_a_command_that_reads_a_run(
    argv: tuple[str, ...],
    number: signal.Signals,
    twofold: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twofold("run", *SMALL)
    monkeypatch.setattr(run_folder, "read", signalled(number))

    ended = twofold(*argv)

    assert (ended.code, ended.stdout) == (128 + number, "")
    assert ended.stderr == f"twofold: Stopped by signal {int(number)}.\n"


@pytest.mark.parametrize(
    ("argv", "work"),
    [(("gate", "history"), "read_history"), (("gate", "--judge", "verdict.json"), "read")],
)
def test_a_signal_ends_a_command_that_reads_gates(
    argv: tuple[str, ...], work: str, twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_files, work, signalled(signal.SIGTERM))

    ended = twofold(*argv)

    assert (ended.code, ended.stderr) == (143, "twofold: Stopped by signal 15.\n")


def test_ctrl_c_answers_the_question_whether_to_end_all(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    left = Left(monkeypatch)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "confirm", signalled(signal.SIGINT))

    ended = twofold("down", "--all", out=False)

    assert (ended.code, left.removed) == (130, [])
    assert ended.stderr.endswith("twofold: Stopped by signal 2.\n")


WRITES = """
import sys
from loadtests.cli import boundary, output
from loadtests.tools import signals

class Writes:
    def main(self, *_, **__):
        with signals.interruptible():
            print("writing", file=sys.stderr, flush=True)
            while True:
                output.raw(sys.stdout).write("1,2,3\\n" * 100)

boundary.cli = Writes()
boundary.main()
"""


def test_a_reader_that_takes_nothing_does_not_hold_a_command_that_was_stopped() -> None:
    with subprocess.Popen(
        (sys.executable, "-c", WRITES),
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(0.3)  # until the pipe is full
        process.terminate()
        try:
            code = process.wait(10)
        finally:
            process.kill()

        assert (code, process.stderr.read()) == (143, "twofold: Stopped by signal 15.\n")


def test_a_command_waits_for_no_fifo_that_is_judged(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "verdict")
    argv = (sys.executable, "-m", "loadtests", "gate", "--judge", str(tmp_path / "verdict"))
    with subprocess.Popen(
        argv, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stderr=subprocess.PIPE, text=True
    ) as process:
        with (tmp_path / "verdict").open("w"):  # it reads now
            process.terminate()
            try:
                code = process.wait(10)
            finally:
                process.kill()

        assert code == 143
