"""Making a base image leaves nothing behind, however it ends."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.tools import proc
from scripts import base_image
from tests.checkout import CHECKOUT
from tests.loadtests.tools.test_proc import wait_until_gone
from tests.scripts.conftest import Play

SCRIPT = """
import os, sys
from pathlib import Path
from scripts import base_image
os.geteuid = lambda: 0
base_image.FOLDERS = Path(sys.argv[1])
sys.exit(base_image.main(["--own"]))
"""

DEBOOTSTRAP = """
    root=$4
    mkdir -p "$root/proc"
    sleep 60 & echo $! > "{tmp_path}/pid.new"
    mv "{tmp_path}/pid.new" "{tmp_path}/pid"
    wait
"""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "folders"
    folder.mkdir()
    (tmp_path / "ca.crt").write_text("an authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    monkeypatch.setattr(base_image, "FOLDERS", folder)
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_ends_debootstrap_and_removes_its_folder(
    play: Play, folders: Path, tmp_path: Path, number: signal.Signals
) -> None:
    play("docker", "")
    play("debootstrap", DEBOOTSTRAP.format(tmp_path=tmp_path))
    argv = (sys.executable, "-c", SCRIPT, str(folders))
    log = tmp_path / "log"

    with proc.Service(argv, log=log, cwd=CHECKOUT) as script:
        proc.wait_until((tmp_path / "pid").exists, limit_s=20, failure=log.read_text)
        assert list(folders.iterdir())
        script.signal(number)
        proc.wait_until(lambda: script.code is not None, limit_s=10, failure="it goes on")

    assert script.code == 128 + number
    assert list(folders.iterdir()) == []
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_what_a_killed_build_has_left_is_removed_by_the_next(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = folders / f"{base_image.PREFIX}dead"
    (left / "root" / "etc").mkdir(parents=True)

    with base_image.own_folder() as folder:
        assert not left.exists()
        assert folder.is_dir()

    assert list(folders.iterdir()) == []
    assert f"Removing {left}" in capsys.readouterr().err


def test_the_folder_of_a_build_that_goes_on_is_left_alone(folders: Path) -> None:
    other = folders / f"{base_image.PREFIX}living"
    other.mkdir()
    lock = os.open(other, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)

    with base_image.own_folder():
        pass

    assert other.is_dir()
    os.close(lock)


def test_a_link_and_a_file_are_left_alone(folders: Path, tmp_path: Path) -> None:
    target = tmp_path / "of-somebody"
    target.mkdir()
    (folders / f"{base_image.PREFIX}link").symlink_to(target)
    (folders / f"{base_image.PREFIX}file").write_text("")

    with base_image.own_folder():
        pass

    assert len(list(folders.iterdir())) == 2
    assert target.is_dir()


MOUNTINFO = """
22 1 0:20 / / rw - ext4 /dev/vda rw
31 22 0:5 / {folder}/root/proc rw - proc proc rw
32 31 0:6 / {folder}/root/proc/sys/fs rw - binfmt_misc none rw
33 22 0:5 / {folder}-another/proc rw - proc proc rw
"""


def test_mounts_in_the_folder_are_told_the_deepest_first_and_no_others(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTINFO.strip().format(folder=folders / "a"))
    monkeypatch.setattr(base_image, "MOUNTS", table)

    mounted = base_image.mounted_in(folders / "a")

    assert mounted == [f"{folders}/a/root/proc/sys/fs", f"{folders}/a/root/proc"]


def test_nothing_is_removed_while_something_is_mounted(
    folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = folders / "a" / "root" / "dev"
    devices.mkdir(parents=True)
    monkeypatch.setattr(base_image, "mounted_in", lambda _: [str(devices)])

    base_image.remove(folders / "a")

    assert devices.is_dir()
    assert "cannot be unmounted" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_debootstrap_has_mounted_is_unmounted_and_not_removed(
    folders: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    place = folders / "a" / "root" / "dev"
    place.mkdir(parents=True)
    mounted = subprocess.run(("mount", "--bind", outside, place), capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr!r}")

    base_image.remove(folders / "a")

    assert not (folders / "a").exists()
    assert (outside / "precious").exists()


# -- an engine that hangs ----------------------------------------------------------------------


def test_an_engine_that_hangs_is_one_message(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", "exec sleep 30")
    monkeypatch.setattr(base_image, "ENGINE_LIMIT_S", 0.3)

    assert base_image.main([]) == 4
    assert "does not answer in 0.3 s" in capsys.readouterr().err


def test_an_import_that_hangs_is_one_message(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    play("docker", 'case "$1" in import) exec sleep 30 ;; esac')
    play("tar", "exec sleep 30")
    monkeypatch.setattr(base_image, "IMPORT_LIMIT_S", 0.3)

    with pytest.raises(base_image.BaseImageError, match="did not end in 0"):
        base_image.load(tmp_path / "root", "twofold/base:own")


def test_a_program_that_hangs_is_killed_with_all_that_it_started(
    play: Play, tmp_path: Path
) -> None:
    play("apt-get", f"sleep 60 & echo $! > {tmp_path}/pid; wait")

    with pytest.raises(base_image.BaseImageError, match=r"`apt-get` did not end in 0\.5 s"):
        base_image.run("apt-get", limit_s=0.5)

    wait_until_gone(int((tmp_path / "pid").read_text()))
