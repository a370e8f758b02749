import os
import sys
from pathlib import Path

import pytest

from loadtests.environments.processes.replicas import open_files

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_a_file_that_is_open_for_writing_below_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "read.txt").write_text("x")
    with (tmp_path / "shop.db").open("w"), (tmp_path / "read.txt").open():
        assert open_files.written_below(tmp_path, os.getpid()) == (str(tmp_path / "shop.db"),)
    assert open_files.written_below(tmp_path, os.getpid()) == ()


@linux
def test_a_file_elsewhere_and_a_process_that_is_gone_are_not(tmp_path: Path) -> None:
    with (tmp_path / "shop.db").open("w"):
        assert open_files.written_below(tmp_path / "other", os.getpid()) == ()
    assert open_files.written_below(tmp_path, 2**22 + 1) == ()


@pytest.mark.parametrize(
    ("flags", "writing"), [("0100000", False), ("0100001", True), ("0100002", True)]
)
def test_the_flags_of_a_file_say_whether_it_is_written(flags: str, writing: bool) -> None:
    assert open_files.is_writing(f"pos:\t0\nflags:\t{flags}\nmnt_id:\t25\n") is writing
