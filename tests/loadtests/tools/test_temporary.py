"""A temporary folder lives as long as its maker, and not for ever after."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc, temporary
from tests.ordinary_user import folder_for_all, ordinary_user

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


MAKER = """
import subprocess, sys, time
from loadtests.tools import temporary
if "unguarded" in sys.argv:
    temporary.GUARD = "exit"
with temporary.folder("gate") as folder:
    (folder / ".env").write_text("API_TOKEN=s3cret")
    child = subprocess.Popen(("sleep", "60"))
    print(folder, child.pid, flush=True)
    time.sleep(60)
"""


def killed(place: Path, *words: str) -> Path:
    """The folder of a maker that was killed, and one of whose programs still ran."""
    env = {"TMPDIR": str(place), **python_path()}
    argv = (sys.executable, "-c", MAKER, *words)
    with proc.Child(argv, log=place / "log", env=env) as maker:
        name, program = maker.receive(30).split()
        assert temporary.abandoned() == ()
        maker.signal(signal.SIGKILL)
        proc.wait_until(lambda: maker.code is not None, limit_s=5, failure="it lives on")
        assert proc.alive(int(program))
    return Path(name)


def test_a_folder_is_this_users_alone_and_goes_with_its_block() -> None:
    with pytest.raises(KeyError), temporary.folder("gate") as folder:  # noqa: PT012  its contents
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.name.startswith("twofold-temporary-gate-")
        (folder / "base").mkdir()
        raise KeyError

    assert not folder.exists()


def test_the_folder_of_a_maker_that_lives_is_nobody_elses_to_remove() -> None:
    with temporary.folder("gate") as folder:
        assert temporary.abandoned() == ()
        assert temporary.remove_abandoned() == ()
        temporary.remove_if_abandoned(folder)
        with temporary.folder("gate") as other:
            assert other != folder
            assert folder.is_dir()


def test_the_folder_of_a_killed_maker_goes_by_itself(place: Path) -> None:
    left = killed(place)

    proc.wait_until(lambda: not left.exists(), limit_s=10, failure="it is still there")


def test_one_whose_guard_was_killed_too_is_removed_by_the_next_maker(place: Path) -> None:
    left = killed(place, "unguarded")

    assert temporary.abandoned() == (left,)
    with temporary.folder("image"):
        assert not left.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_signal_to_all_programs_of_a_harness_takes_a_folder_from_it(
    number: signal.Signals,
) -> None:
    with temporary.folder("gate") as folder:
        proc.sleep(0.1)  # until the guard has set its trap
        proc.signal_running(number)
        proc.sleep(0.1)

        assert folder.is_dir()


def test_one_that_is_removed_before_it_is_locked_is_made_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp
    taken: list[str] = []

    def make_and_lose(prefix: str) -> str:
        name = make(prefix=prefix)
        if not taken:
            taken.append(name)
            Path(name).rmdir()
        return name

    monkeypatch.setattr("tempfile.mkdtemp", make_and_lose)

    with temporary.folder("gate") as folder:
        assert folder.is_dir()
        assert str(folder) not in taken


def test_only_folders_of_this_form_and_user_count(place: Path) -> None:
    (place / "twofold-mine").mkdir()
    (place / "elsewhere").mkdir(mode=0o700)
    (place / f"{temporary.PREFIX}link").symlink_to(place / "elsewhere")
    (place / f"{temporary.PREFIX}file").touch()
    (place / f"{temporary.PREFIX}open").mkdir()
    (place / f"{temporary.PREFIX}open").chmod(0o777)
    before = sorted(place.iterdir())

    assert temporary.abandoned() == ()
    assert temporary.remove_abandoned() == ()
    assert sorted(place.iterdir()) == before


@root_only
def test_a_folder_of_another_user_is_passed_over(place: Path) -> None:
    (place / f"{temporary.PREFIX}x").mkdir(mode=0o700)
    os.chown(place / f"{temporary.PREFIX}x", 12345, 12345)

    assert temporary.abandoned() == ()
    temporary.remove_abandoned()
    assert (place / f"{temporary.PREFIX}x").exists()


def test_a_place_that_cannot_be_written_is_one_message_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(**_: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)

    with (
        pytest.raises(EnvironmentFailure, match=r"No space left on device.*TMPDIR=DIR"),
        temporary.folder("gate"),
    ):
        pytest.fail("it was made")


# -- the removal -------------------------------------------------------------------------------


def closed_folder(place: Path) -> Path:
    """A folder like those of Go's modules: nobody can write to its parts, or list one of them."""
    folder = place / "closed"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").touch()
    (folder / "a/b").chmod(0)
    (folder / "a").chmod(0o555)
    folder.chmod(0o555)
    return folder


def test_folders_that_are_closed_for_their_own_user_are_opened() -> None:
    with folder_for_all() as place, ordinary_user():
        folder = closed_folder(place)

        temporary.remove(folder)

        assert not folder.exists()


def test_a_link_is_removed_and_not_what_it_names(place: Path) -> None:
    (place / "elsewhere").mkdir(mode=0o500)
    (place / "folder").mkdir()
    (place / "folder/link").symlink_to(place / "elsewhere")

    temporary.remove(place / "folder")

    assert (place / "elsewhere").stat().st_mode & 0o777 == 0o500


@root_only
def test_what_another_user_has_written_is_named_and_the_last_parts_stay() -> None:
    with folder_for_all() as place:
        with ordinary_user():
            folder = place / "folder"
            (folder / "tmp/sub").mkdir(parents=True)
            (folder / "owner.json").touch()
        os.chown(folder / "tmp/sub", 0, 0)
        (folder / "tmp/sub/file").touch()

        with (
            ordinary_user(),
            pytest.raises(EnvironmentFailure, match=r"folder cannot be removed \(Permission den"),
        ):
            temporary.remove(folder, last=("owner.json",))

        assert (folder / "owner.json").exists()


def test_the_last_parts_go_in_their_order(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    unlink = Path.unlink

    def note(self: Path, *, missing_ok: bool = False) -> None:
        gone.append(self.name)
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", note)
    (place / "folder").mkdir()
    for name in ("a", "owner", "started", "z"):
        (place / "folder" / name).touch()

    temporary.remove(place / "folder", last=("started", "owner"))

    assert gone == ["a", "z", "started", "owner"]


def test_a_folder_that_somebody_else_removes_at_once_is_no_failure(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "folder/part").mkdir(parents=True)
    remove = shutil.rmtree

    def both(path: Path) -> None:
        remove(path)
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(shutil, "rmtree", both)

    temporary.remove(place / "folder")
    temporary.remove(place / "folder")

    assert not (place / "folder").exists()
