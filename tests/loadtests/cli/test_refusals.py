"""What the system refuses, and files that are none: one message, and never exit code 5."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli import boundary
from loadtests.cli.boundary import run_command_line
from loadtests.model import errors
from tests.loadtests.cli.command_line import SMALL
from tests.ordinary_user import folder_for_all, ordinary_user

LOOKS_UP = [("report",), ("compare",), ("explain",), ("export",), ("gate", "--judge")]

TOO_LONG = "x" * 300
"""No file system takes such a name."""


class Refused:
    """A command that the system refuses something."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def main(self, *_: object, **__: object) -> None:
        raise self._error


PERMISSIONS = "Look at the permissions and the free space there."


@pytest.mark.parametrize(
    ("error", "told", "way_out"),
    [
        (
            PermissionError(13, "Permission denied", "/srv/.git"),
            "(/srv/.git: Permission denied)",
            PERMISSIONS,
        ),
        (OSError(28, "No space left on device"), "(No space left on device)", PERMISSIONS),
        (OSError(24, "Too many open files"), "(Too many open files)", PERMISSIONS),
        (OSError(30, "Read-only file system", "/x"), "(/x: Read-only file system)", PERMISSIONS),
        (
            OSError(116, "Stale file handle", "/nfs/x"),
            "(/nfs/x: Stale file handle)",
            "Look at the share there: is it still mounted?",
        ),
        (
            OSError(5, "Input/output error"),
            "(Input/output error)",
            "Look at the disk or the share there.",
        ),
        (
            OSError(12, "Cannot allocate memory"),
            "(Cannot allocate memory)",
            "Free some memory, or raise this container's limit.",
        ),
    ],
    ids=["a file", "no file", "files", "read only", "stale", "disk", "memory"],
)
def test_what_the_system_refuses_is_one_message_and_exit_code_4(
    error: OSError,
    told: str,
    way_out: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(boundary, "cli", Refused(error))

    assert run_command_line([]) == errors.EXIT_ENVIRONMENT
    assert capsys.readouterr().err == (
        f"twofold: The system refuses what twofold needs {told}. {way_out}"
        " Trials that were finished are kept.\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        BlockingIOError(11, "Resource temporarily unavailable"),
        FileNotFoundError(2, "No such file or directory", "/opt/loadtests/templates/nginx.conf"),
        TimeoutError("timed out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_another_error_of_the_system_that_nobody_expected_is_a_defect(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(boundary, "cli", Refused(error))

    assert run_command_line([]) == errors.EXIT_INTERNAL
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "this is a bug in twofold" in told


@pytest.mark.parametrize("argv", [("report",), ("plan",), ("init",), ("gate", "history")])
def test_a_folder_that_is_gone_is_said(
    argv: tuple[str, ...], twofold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    ended = twofold(*argv, out=False)

    assert (ended.code, ended.stdout) == (errors.EXIT_ENVIRONMENT, "")
    assert ended.stderr == (
        "twofold: The current folder was removed. Change to another one: cd DIR.\n"
    )


@pytest.mark.parametrize("argv", LOOKS_UP)
def test_a_name_that_no_file_has_is_a_wrong_name(argv: tuple[str, ...], twofold: Any) -> None:
    ended = twofold(*argv, TOO_LONG)

    assert (ended.code, ended.stdout) == (errors.EXIT_USAGE, "")
    assert TOO_LONG in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("run",), ("init",), ("gate", "--append")])
def test_so_is_that_of_a_target_or_a_gate_to_continue(words: tuple[str, ...], twofold: Any) -> None:
    ended = twofold(*words, TOO_LONG, out=words[0] != "init")

    assert ended.code == errors.EXIT_USAGE
    assert TOO_LONG in ended.stderr


@pytest.fixture
def private() -> Iterator[Path]:
    """Give a folder that nobody but root can enter."""
    with folder_for_all() as place:
        closed = place / "closed"
        (closed / "run").mkdir(parents=True)
        closed.chmod(0)
        yield closed
        closed.chmod(0o700)


@pytest.mark.parametrize("argv", LOOKS_UP)
def test_so_is_a_name_in_a_folder_of_somebody_else(
    argv: tuple[str, ...], twofold: Any, private: Path
) -> None:
    run = str(private / "run")
    twofold(*argv, run)  # imports what it needs

    with ordinary_user():
        ended = twofold(*argv, run)

    assert (ended.code, ended.stdout) == (errors.EXIT_USAGE, "")
    assert f"twofold: {run} cannot be read (Permission denied)." in ended.stderr


PARTS = (
    "trials.jsonl",
    "calibrations.json",
    "probes.json",
    "ceiling.json",
    "in_force.json",
    "file_ceilings.json",
    "profiles.json",
)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["FIFO", "device"])
def test_a_part_of_a_run_that_is_no_plain_file_is_refused_at_once(
    part: str, kind: str, twofold: Any, tmp_path: Path
) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()
    put_in_place(folder / part, kind)

    ended = twofold("compare")

    assert ended.code == errors.EXIT_USAGE
    assert f"cannot be read as a run (it is no plain file: {folder / part})" in ended.stderr


def put_in_place(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["FIFO", "device"])
def test_so_are_samples_a_history_and_a_verdict(kind: str, twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()
    for samples in list((folder / "samples").iterdir()):
        put_in_place(samples, kind)
    put_in_place(tmp_path / "history.jsonl", kind)
    (tmp_path / "gate-1").mkdir()
    put_in_place(tmp_path / "gate-1/verdict.json", kind)

    for argv in (("export",), ("gate", "history"), ("gate", "--judge", str(tmp_path / "gate-1"))):
        ended = twofold(*argv)

        assert ended.code == errors.EXIT_USAGE
        assert "it is no plain file" in ended.stderr


def test_a_plan_that_is_no_plain_file_is_no_run(twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()
    put_in_place(folder / "plan.json", "FIFO")

    assert twofold("report", str(folder)).code == errors.EXIT_USAGE
    assert twofold("plan", *SMALL).code == errors.EXIT_YES
