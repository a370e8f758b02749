"""Reading a project's texts; tests/…/test_requirements.py has what is refused of them."""

from pathlib import Path

import pytest

from loadtests.targets.application import project_table
from tests.loadtests.targets.application.folders import make_folder


def test_a_folder_without_a_project_has_an_empty_one(tmp_path: Path) -> None:
    assert project_table.read(tmp_path) == {}


def test_a_project_is_read_as_toml(tmp_path: Path) -> None:
    make_folder(tmp_path, {"pyproject.toml": '[project]\nname = "shop"\n'})

    assert project_table.read(tmp_path) == {"project": {"name": "shop"}}


@pytest.mark.parametrize("value", [1, "a", [1], None])
def test_what_is_no_table_is_an_empty_one(value: object) -> None:
    assert project_table.table({"project": value}, "project") == {}
