"""Two runs never measure on one machine at once."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.environments.guards import machine_lock
from loadtests.model.errors import EnvironmentFailure, Interrupted
from loadtests.tools import proc, signals

ANOTHER = """
import sys
from pathlib import Path
from loadtests.environments.guards import machine_lock

with machine_lock.held(sys.argv[1], print, wait=False) as lock:
    lock.note(Path("/results/theirs"))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    locks = tmp_path / "locks"
    locks.mkdir()
    monkeypatch.setenv(machine_lock.FOLDER_VARIABLE, str(locks))
    monkeypatch.setattr(machine_lock, "AGAIN_S", 0.02)
    return locks


def another(tmp_path: Path, scope: str = "") -> proc.Child:
    """A process that holds the lock until it ends."""
    argv = (sys.executable, "-c", ANOTHER, scope)
    child = proc.Child(argv, log=tmp_path / "log", env=python_path())
    child.receive(30)
    return child


def ignore(_: str) -> None:
    """Nobody listens."""


def hold(scope: str = "", *, wait: bool = False) -> None:
    with machine_lock.held(scope, ignore, wait=wait):
        pass


def test_a_run_holds_the_lock_and_gives_it_back(folder: Path) -> None:
    with machine_lock.held("", ignore, wait=False) as lock:
        lock.note(Path("results"))
        (file,) = folder.iterdir()
        assert f'"pid": {os.getpid()}' in file.read_text()
        with pytest.raises(EnvironmentFailure, match="measures on this machine"):
            hold()

    hold()
    assert file.read_text() == ""


def test_who_does_not_wait_is_told_who_measures_where_and_since_when(tmp_path: Path) -> None:
    with (
        another(tmp_path) as child,
        pytest.raises(
            EnvironmentFailure,
            match=rf"process {child.pid} of \S+ in /results/theirs, since \d\d:\d\d:\d\d UTC",
        ),
    ):
        hold()


def test_who_waits_says_so_once_and_goes_on_when_the_other_has_ended(tmp_path: Path) -> None:
    child = another(tmp_path)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        child.close()

    with machine_lock.held("", say, wait=True):
        pass

    (line,) = said
    assert re.match(rf"Waiting for another run on this machine: process {child.pid} of ", line)


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    with another(tmp_path) as child:
        child.signal(signal.SIGKILL)
        proc.wait_until(lambda: child.code is not None, limit_s=5, failure="it lives")

        hold()


def test_a_folder_without_locks_is_one_message_that_names_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(EnvironmentFailure, match=r"No locks available\)\. Name another.*_FOLDER="):
        hold()


def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    with (
        another(tmp_path),
        signals.handled(),
        pytest.raises(Interrupted),
        machine_lock.held("", lambda _: os.kill(os.getpid(), signal.SIGINT), wait=True),
    ):
        pytest.fail("it measures while another does")


def test_runs_on_different_engines_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with another(tmp_path, "tcp://10.0.0.1:2375"):
        hold()
        with pytest.raises(EnvironmentFailure):
            hold("tcp://10.0.0.1:2375")


def test_a_program_that_a_run_starts_does_not_keep_the_lock(tmp_path: Path) -> None:
    with machine_lock.held("", ignore, wait=False):
        service = proc.Service(("sleep", "60"), log=tmp_path / "log")
    with service:
        hold()


# -- a folder that everybody can write to ------------------------------------------------------


def test_the_file_is_for_all_users(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        hold()
    finally:
        os.umask(before)

    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe"])
def test_what_somebody_else_put_there_is_refused_and_not_written(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    place = folder / "twofold.lock"
    if kind == "link":
        place.symlink_to(precious)
    elif kind == "hard link":
        place.hardlink_to(precious)
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)

    with pytest.raises(EnvironmentFailure, match=r"twofold\.lock, cannot be used \(.*Remove it"):
        hold()
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    "note",
    [
        *("", "{}", "[1]", "no JSON", '{"pid": 1, "user": "a", "since": "b", "more": 1}'),
        "[" * 1900,
    ],
)
def test_a_note_that_says_nothing_is_no_trouble(folder: Path, tmp_path: Path, note: str) -> None:
    with another(tmp_path):
        (folder / "twofold.lock").write_text(note)

        with pytest.raises(EnvironmentFailure, match=r"an unknown one \(`fuser /.*lock` shows it"):
            hold()


def test_a_file_that_was_removed_while_it_was_held_locks_nobody_out(folder: Path) -> None:
    with machine_lock.held("", ignore, wait=False):
        (folder / "twofold.lock").unlink()
    hold()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_another_user_that_can_only_be_read_still_locks(folder: Path) -> None:
    hold()
    (folder / "twofold.lock").chmod(0o444)
    folder.chmod(0o1777)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for above in folder.parents:  # pytest's folders are closed for others
                if above.stat().st_uid == 0 and "pytest" in str(above):
                    above.chmod(0o755)
            os.setuid(65534)
            hold()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_without_a_folder_for_all_users_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    monkeypatch.delenv(machine_lock.FOLDER_VARIABLE)
    monkeypatch.setattr(machine_lock, "FOLDERS", (closed, tmp_path / "missing"))

    with pytest.raises(EnvironmentFailure, match="TWOFOLD_LOCK_FOLDER=FOLDER"):
        hold()


def test_the_first_folder_that_all_users_can_write_to_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed, free = tmp_path / "closed", tmp_path / "free"
    closed.mkdir(mode=0o755)
    free.mkdir()
    free.chmod(0o1777)
    monkeypatch.delenv(machine_lock.FOLDER_VARIABLE)
    monkeypatch.setattr(machine_lock, "FOLDERS", (closed, free))

    hold()

    assert [file.name for file in free.iterdir()] == ["twofold.lock"]
