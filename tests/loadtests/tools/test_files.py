"""Files are on disk as a whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import threading
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files

FULL = OSError(errno.ENOSPC, "No space left on device")


def fail(*_: Any) -> None:
    raise FULL


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put on disk, and what got its name, in order."""
    noted: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        noted.append("folder" if target.is_dir() else "file")
        fsync(descriptor)

    def named(self: Path, target: Path) -> Path:
        noted.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "replace", named)
    return noted


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_is_too(
    tmp_path: Path, synced: list[str]
) -> None:
    files.write(tmp_path / "a", "text")

    assert synced == ["file", "name", "folder"]
    assert (tmp_path / "a").read_text() == "text"


def test_a_line_is_on_disk_and_the_name_of_a_new_file_is_too(
    tmp_path: Path, synced: list[str]
) -> None:
    files.append_line(tmp_path / "a", b"{}")
    files.append_line(tmp_path / "a", b"[]\n")

    assert synced == ["file", "folder", "file"]
    assert (tmp_path / "a").read_bytes() == b"{}\n[]\n"


@pytest.mark.parametrize(("mode", "expected"), [(files.ONLY_OWNER, 0o600), (0o644, 0o644)])
def test_a_file_has_its_mode_from_the_beginning_whatever_the_umask_is(
    tmp_path: Path, mode: int, expected: int
) -> None:
    before = os.umask(0)
    try:
        with files.replacing(tmp_path / "a", mode=mode) as temporary:
            assert temporary.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == expected


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_file_that_cannot_be_written_is_one_message_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)

    with pytest.raises(EnvironmentFailure, match=r"a cannot be written \(No space left.*--out DIR"):
        files.write(tmp_path / "a", "new")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_line_that_did_not_fit_leaves_the_lines_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    files.append_line(path, b'{"n": 1}')
    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(EnvironmentFailure, match="cannot be written"):
        files.append_line(path, b'{"n": 2}')

    assert path.read_bytes() == b'{"n": 1}\n'


def test_a_disk_that_fills_within_a_line_leaves_the_lines_before_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    files.append_line(path, b'{"n": 1}')
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    truncate = os.ftruncate

    def truncate_and_free(descriptor: int, size: int) -> None:
        truncate(descriptor, size)
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)  # what was cut off is free again

    monkeypatch.setattr(os, "ftruncate", truncate_and_free)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
    try:
        with pytest.raises(EnvironmentFailure, match=r"a cannot be written \(File too large\)"):
            files.append_line(path, b'{"n": "' + b"x" * 6_000 + b'"}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    assert path.read_bytes() == b'{"n": 1}\n'


def test_a_line_that_the_system_takes_in_pieces_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InPieces(FileIO):
        def write(self, data: Any) -> int:
            return super().write(bytes(data)[:3])

    def open_in_pieces(self: Path, mode: str, buffering: int) -> FileIO:
        assert buffering == 0
        return InPieces(self, mode)

    monkeypatch.setattr(Path, "open", open_in_pieces)

    files.append_line(tmp_path / "a", b'{"n": 12345}')

    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b'{"n": 12345}\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"{}\n"),
        (b'{"n": 1}\n', b'{"n": 1}\n{}\n'),
        (b'{"n": 1}\n{"n": ', b'{"n": 1}\n{}\n'),
        (b'{"n": ', b"{}\n"),
        (b'{"n": 1}\n{"n": 2}', b'{"n": 1}\n{"n": 2}\n{}\n'),
        (b'{"n": 1}\n' + b"x" * 200_000, b'{"n": 1}\n{}\n'),
        (b'{"n": 1}\n\xff\xfe', b'{"n": 1}\n{}\n'),
        (b'{"n": 1}\n' + b"[" * 100_000, b'{"n": 1}\n{}\n'),
    ],
    ids=["empty", "whole", "torn", "only torn", "no line end", "long", "no text", "deep"],
)
def test_a_torn_tail_is_cut_before_a_line_is_appended(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(before)

    files.append_line(path, b"{}")

    assert path.read_bytes() == after
    assert files.whole_lines(before) == after.splitlines(keepends=True)[:-1] or before[-2:] == b"2}"


def test_a_last_line_that_only_lacks_its_end_is_read() -> None:
    assert files.whole_lines(b'{"n": 1}\n\n{"n": 2}') == [b'{"n": 1}\n', b'{"n": 2}']


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    line = b'{"n": "' + b"x" * 10_000 + b'"}'
    files.append_line(path, line)

    def append_ten() -> None:
        for _ in range(10):
            files.append_line(path, line)

    threads = [threading.Thread(target=append_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert path.read_bytes() == (line + b"\n") * 41


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_line_is_appended_where_the_file_system_knows_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)

    files.append_line(tmp_path / "trials.jsonl", b'{"trial": 1}')

    assert (tmp_path / "trials.jsonl").read_bytes() == b'{"trial": 1}\n'


def test_without_locks_a_line_that_another_gate_has_just_appended_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = tmp_path / "history.jsonl"
    files.append_line(history, b'{"gate": 1}')

    write = files._write_all

    def meanwhile(file: FileIO, data: bytes) -> None:
        with history.open("ab") as other:
            other.write(b'{"gate": 2}\n')
        write(file, data)

    monkeypatch.setattr(files, "_write_all", meanwhile)

    files.append_line(history, b'{"gate": 3}')

    assert history.read_bytes() == b'{"gate": 1}\n{"gate": 2}\n{"gate": 3}\n'


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path) -> None:
    files.sync_folder(tmp_path / "missing")


def test_a_plain_file_is_read_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "link").symlink_to("a")

    assert files.read_plain(tmp_path / "a") == files.read_plain(tmp_path / "link") == b"text"


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder", "nothing"])
def test_what_is_no_plain_file_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()

    with pytest.raises(OSError, match=re.escape(str(path))):
        files.read_plain(path)
