import sys
from pathlib import Path

import pytest

from loadtests.cli import results_folder
from tests.checkout import CHECKOUT


def test_the_folder_is_the_one_of_the_option_or_the_projects_own(tmp_path: Path) -> None:
    assert results_folder.of(tmp_path) == tmp_path
    assert results_folder.of(None) == CHECKOUT / "results"


def test_a_relative_folder_is_that_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert results_folder.of(Path("runs")) == tmp_path / "runs"


def test_the_command_is_as_a_person_would_type_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/twofold", "gate", "--workload", "/a b"])

    assert results_folder.command_line() == "twofold gate --workload '/a b'"
