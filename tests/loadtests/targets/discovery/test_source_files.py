"""The modules of a folder: which folders are packages, with or without a file that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.targets.discovery import source_files


@pytest.mark.parametrize(
    ("text", "is_package"),
    [
        ("from app.settings import URL\n", True),
        ("import app.settings\n", True),
        ("def f():\n    from .settings import URL\n", True),
        ("from apple import pie\n", False),
        ("# from app import x\nimport os\n", False),
        ("from settings import URL\n", False),
    ],
)
def test_a_folder_is_a_package_where_its_modules_import_by_its_name(
    tmp_path: Path, text: str, *, is_package: bool
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(text)

    found = [source_files.dotted(file, tmp_path) for file in source_files.modules(tmp_path)]

    assert found == (["app.main"] if is_package else [])


def test_folders_of_tools_and_tests_are_left_out(tmp_path: Path) -> None:
    for name in (".venv", "tests", "shop"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "web.py").write_text("")

    found = [source_files.dotted(file, tmp_path) for file in source_files.modules(tmp_path)]

    assert found == ["shop", "shop.web"]


def test_a_module_that_is_no_python_has_no_syntax(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(:")

    assert source_files.parsed(tmp_path / "a.py") is None
    assert source_files.parsed(tmp_path / "gone.py") is None
