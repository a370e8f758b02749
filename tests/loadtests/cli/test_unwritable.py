"""Streams that are full, closed, or whose reader has gone: the exit code stays the truth."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from rich.console import Console

from loadtests.cli import boundary
from loadtests.cli.boundary import run_command_line
from loadtests.cli.progress import LiveProgress
from loadtests.model import errors
from loadtests.tools import proc
from tests.checkout import CHECKOUT

TWOFOLD = f"{sys.executable} -m loadtests"

FULL = "twofold: Standard output cannot be written (No space left on device)."
SHUT = "twofold: Standard output cannot be written (it is closed)."


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Give a copy of the published run: a report is written into the run's folder."""
    return shutil.copytree(CHECKOUT / "results/sample", tmp_path / "sample")


def in_a_shell(words: str) -> tuple[int, str]:
    done = proc.run(
        ("bash", "-c", f"{TWOFOLD} {words}"),
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    return done.code, done.stderr


@pytest.mark.parametrize(
    ("words", "where", "code"),
    [
        ("report SAMPLE", "2>/dev/full", 0),
        ("report SAMPLE", "0<&- 2>&-", 0),
        ("plan --backend nope", "2>/dev/full", 2),
        ("plan --backend nope", "2>&-", 2),
    ],
)
def test_standard_error_that_cannot_be_written_is_no_verdict(
    words: str, where: str, code: int, sample: Path
) -> None:
    words = words.replace("SAMPLE", str(sample))

    assert in_a_shell(f"{words} {where}") == (code, "")


@pytest.mark.parametrize(
    ("words", "where", "told"),
    [("", ">/dev/full", FULL), ("--json", ">&-", SHUT)],
)
def test_standard_output_that_cannot_be_written_is_one_message(
    words: str, where: str, told: str, sample: Path
) -> None:
    ended = in_a_shell(f"report {sample} {words} {where}")

    assert ended == (errors.EXIT_ENVIRONMENT, f"{told} The result is in {sample}.\n")


@pytest.mark.parametrize("words", ["--help", "plan"])
def test_so_is_that_of_other_commands(words: str) -> None:
    assert in_a_shell(f"{words} >/dev/full") == (errors.EXIT_ENVIRONMENT, f"{FULL}\n")


def test_a_file_that_is_opened_gets_no_number_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        "from loadtests.cli import output; output.hold_descriptors();"
        f"print(open({str(tmp_path / 'journal')!r}, 'w').fileno())"
    )
    argv = ("bash", "-c", f'{sys.executable} -c "{program}" 0<&- 2>&-')

    assert int(proc.run(argv, env={"PYTHONPATH": str(CHECKOUT)}).stdout) > 2


class Raises:
    """A command line that raises."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def main(self, *_: object, **__: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Interrupted(signal.SIGTERM), 143),
        (errors.UsageError("no"), errors.EXIT_USAGE),
        (errors.EnvironmentFailure("no"), errors.EXIT_ENVIRONMENT),
        (ValueError("a bug"), errors.EXIT_INTERNAL),
    ],
)
def test_no_end_of_a_command_is_another_on_a_full_disk(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "cli", Raises(error))
    with unwritable() as full:
        monkeypatch.setattr(sys, "stderr", full)

        assert run_command_line([]) == code


@contextmanager
def unwritable() -> Iterator[IO[str]]:
    """Give a stream of a full disk."""
    with Path("/dev/full").open("w", buffering=1) as full, Path(os.devnull).open("w") as nowhere:
        yield full
        os.dup2(nowhere.fileno(), full.fileno())  # or closing it would fail, too


STOPPED = """
import os, signal, sys
from loadtests.cli import boundary
from loadtests.tools import signals

class Stopped:
    def main(self, *_, **__):
        os.kill(os.getpid(), signal.SIGTERM)
        signals.check()

boundary.cli = Stopped()
boundary.main()
"""


@pytest.mark.parametrize("where", ["/dev/full", "/dev/null"])
def test_a_signal_is_its_own_exit_code_on_a_full_disk_to_the_last(where: str) -> None:
    with Path(where).open("w") as stream:
        done = subprocess.run(
            (sys.executable, "-c", STOPPED),
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stderr=stream,
            check=False,
        )

    assert done.returncode == 143


def test_a_table_on_a_terminal_that_has_gone_hides_no_signal() -> None:
    main, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, Path(os.devnull).open("w") as nowhere:
        progress = LiveProgress(Console(file=stream, force_terminal=True))
        progress.say("measuring")
        os.close(main)

        progress.say("taking the stack down")
        progress.close()
        os.dup2(nowhere.fileno(), terminal)  # or closing it would fail, too


def test_a_gate_says_where_its_result_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from loadtests.cli import output

    class Tells:
        def main(self, *_: object, **__: object) -> None:
            with output.result_in(tmp_path):
                output.write_document("{}\n")

    monkeypatch.setattr(boundary, "cli", Tells())
    with unwritable() as full:
        monkeypatch.setattr(sys, "stdout", full)

        assert run_command_line([]) == errors.EXIT_ENVIRONMENT
    assert capsys.readouterr().err == f"{FULL} The result is in {tmp_path}.\n"
