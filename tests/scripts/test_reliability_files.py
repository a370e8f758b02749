"""The campaigns that kill, fill disks and change files: what counts as a try."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files
from scripts.reliability import full_disk, hostile_files, no_torn_result
from scripts.reliability.no_torn_result import Killed
from scripts.reliability.record import Broken

# -- killed ------------------------------------------------------------------------------------


def test_what_ended_before_its_kill_is_drawn_again() -> None:
    codes = iter((0, 0, -signal.SIGKILL))
    moments = iter((3.0, 2.0, 1.0))

    at_s, killed = no_torn_result.drawn(
        lambda _: Killed(code=next(codes), said=4), lambda: next(moments)
    )

    assert (at_s, killed.said) == (1.0, 4)


def test_a_run_that_is_never_killed_or_fails_by_itself_is_not_held() -> None:
    with pytest.raises(Broken, match="had ended before"):
        no_torn_result.drawn(lambda _: Killed(code=0, said=12), lambda: 1.0)
    with pytest.raises(Broken, match="ended with 5"):
        no_torn_result.drawn(lambda _: Killed(code=5, said=12), lambda: 1.0)


# -- a full disk -------------------------------------------------------------------------------


def written(folder: Path) -> None:
    """Write by every way that the product has."""
    files.write(folder / "a.json", "{}")
    files.append_line(folder / "b.jsonl", b'{"a": 1}')
    with (folder / "c.txt").open("w") as file:
        file.write("text")


def test_every_write_is_counted_and_each_can_be_the_first_to_fail(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    with pytest.MonkeyPatch.context() as patches:
        disk = full_disk.install(patches, whole)
        written(whole)
        count = disk.count
    assert count == 3 + 3 + 2  # a new file, its data; and a sync of the first two
    assert (whole / "c.txt").read_text() == "text"

    for first in range(1, count + 1):
        folder = tmp_path / str(first)
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patches:
            disk = full_disk.install(patches, folder, first)
            with pytest.raises((EnvironmentFailure, OSError), match="No space left"):
                written(folder)
        assert len(disk.failed) >= 1
        assert (folder / "b.jsonl").exists() == (first > 4)
        if first > 3:
            assert (folder / "a.json").read_text() == "{}"


def test_a_write_that_fails_is_torn_in_the_middle(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patches:
        full_disk.install(patches, tmp_path, 2)
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "a").write_bytes(b"12345678")

    assert (tmp_path / "a").read_bytes() == b"1234"


def test_a_disk_elsewhere_is_not_full_and_reading_goes_on(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/a").write_text("there")
    with pytest.MonkeyPatch.context() as patches:
        disk = full_disk.install(patches, tmp_path / "results", 1)
        (tmp_path / "other").write_text("fits")
        with tempfile.TemporaryFile(dir=tmp_path) as file:
            file.write(b"fits")
            os.fsync(file.fileno())
        assert (tmp_path / "results/a").read_text() == "there"
        assert disk.count == 0


def test_a_case_in_which_no_write_failed_is_not_held() -> None:
    assert no_torn_result.first_failed("begun\nwrites 3\nfailed /r/a\nfailed /r/b\n") == "a"
    with pytest.raises(Broken, match="nothing was tried"):
        no_torn_result.first_failed("begun\nwrites 3\n")


def test_every_write_of_a_run_and_a_gate_is_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(no_torn_result, "_writes", {"run": 3, "gate": 2}.__getitem__)

    names = [case.name for case in no_torn_result.cases(full=True)]

    assert [name for name in names if "write" in name] == [
        *("run, full at write 1", "run, full at write 2", "run, full at write 3"),
        *("gate, full at write 1", "gate, full at write 2"),
    ]
    assert sum(name.startswith("run KILL") for name in names) == 500
    assert sum(name.startswith("gate KILL") for name in names) == 100


# -- hostile files -----------------------------------------------------------------------------


def test_what_is_written_into_another_run_is_seen_and_into_ones_own_is_not(tmp_path: Path) -> None:
    own, other = tmp_path / "results/run", tmp_path / "results" / hostile_files.NEIGHBOUR
    for run in (own, other):
        run.mkdir(parents=True)
        (run / "report.md").write_text("whole")
    before = hostile_files.tree(tmp_path, own)

    (own / "report.md").write_text("again")
    assert hostile_files.tree(tmp_path, own) == before
    (other / "report.md").write_text("another's")
    assert hostile_files.tree(tmp_path, own) != before


def test_a_folder_that_is_made_or_a_file_that_is_removed_elsewhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    before = hostile_files.tree(tmp_path, None)

    (tmp_path / "made").mkdir()
    assert hostile_files.tree(tmp_path, None) != before
    (tmp_path / "made").rmdir()
    assert hostile_files.tree(tmp_path, None) == before
    (tmp_path / "file").unlink()
    assert hostile_files.tree(tmp_path, None) != before


def test_a_command_may_write_only_into_the_folder_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate/verdict.json").write_text("{}")

    assert hostile_files.own_of(["report", str(tmp_path / "gate")]) == tmp_path / "gate"
    verdict = str(tmp_path / "gate/verdict.json")
    assert hostile_files.own_of(["gate", "--judge", verdict]) == tmp_path / "gate"
    assert hostile_files.own_of(["plan"]) is None
    assert hostile_files.own_of(["gate", "history", "--out", str(tmp_path)]) is None


def test_every_kind_of_file_that_is_changed_is_one_that_is_read() -> None:
    assert hostile_files.MADE_AGAIN not in hostile_files.KINDS
    assert {"journal", "plan.json", "samples", "verdict.json"} <= set(hostile_files.KINDS)
