from pathlib import Path

from loadtests.model.tested.surroundings import FoundLocustfile
from loadtests.targets.discovery import locustfiles


def test_locustfiles_are_found_with_the_modules_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "people.py").write_text("")
    (tmp_path / "load").mkdir()
    (tmp_path / "venv").mkdir()
    (tmp_path / "locustfile.py").write_text(
        "import json, people\nfrom locust import HttpUser\nfrom . import sibling\n"
    )
    (tmp_path / "load" / "locustfile_shop.py").write_text("import no_such_module.inner\n")
    (tmp_path / "venv" / "locustfile.py").write_text("")

    assert locustfiles.find(tmp_path) == (
        FoundLocustfile(file="locustfile.py"),
        FoundLocustfile(file="load/locustfile_shop.py", missing=("no_such_module",)),
    )


def test_a_file_that_is_not_python_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text("import (")

    assert locustfiles.find(tmp_path) == (FoundLocustfile(file="locustfile.py"),)
