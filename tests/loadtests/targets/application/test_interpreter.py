import sys
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application.interpreter import find


def make_environment(folder: Path) -> Path:
    program = folder / "bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    return program


def test_the_requested_one_comes_first(tmp_path: Path) -> None:
    active, own = make_environment(tmp_path / "active"), make_environment(tmp_path / ".venv")

    found = find(str(own), tmp_path, {"VIRTUAL_ENV": str(active.parent.parent)})

    assert (found.path, found.why) == (str(own), "as requested")


@pytest.mark.parametrize("asked", [".venv", "./.venv", ".venv/bin/python"])
def test_it_may_be_an_environments_folder_or_a_program(tmp_path: Path, asked: str) -> None:
    program = make_environment(tmp_path / ".venv")

    assert find(asked, tmp_path, {}).path == str(program)


def test_it_may_be_a_name_on_path(tmp_path: Path) -> None:
    assert find("python3", tmp_path, {}).path.endswith("python3")


def test_the_active_environment_comes_before_that_of_the_folder(tmp_path: Path) -> None:
    active = make_environment(tmp_path / "active")
    make_environment(tmp_path / ".venv")

    found = find(None, tmp_path, {"VIRTUAL_ENV": str(tmp_path / "active")})

    assert (found.path, found.why) == (str(active), "of the active virtual environment")


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_without_an_active_one_it_is_that_of_the_folder(tmp_path: Path, name: str) -> None:
    program = make_environment(tmp_path / name)

    found = find(None, tmp_path, {})

    assert (found.path, found.why) == (str(program), f"of {name} in the project's folder")


def test_without_any_it_is_the_one_that_runs_twofold(tmp_path: Path) -> None:
    assert find(None, tmp_path, {}).path == sys.executable


@pytest.mark.parametrize(("name", "is_taken"), [("shop", True), ("base", False)])
def test_an_active_environment_of_conda_comes_last_but_for_condas_own(
    tmp_path: Path, name: str, is_taken: bool
) -> None:
    program = make_environment(tmp_path / "conda")
    environ = {"CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": name}

    assert find(None, tmp_path, environ).path == (str(program) if is_taken else sys.executable)
    own = make_environment(tmp_path / ".venv")
    assert find(None, tmp_path, environ).path == str(own)


def test_an_active_environment_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no Python"):
        find(None, tmp_path, {"VIRTUAL_ENV": str(tmp_path / "gone")})


@pytest.mark.parametrize("asked", ["python9.9", "no/such/python", "."])
def test_a_python_that_is_not_there_is_told(tmp_path: Path, asked: str) -> None:
    with pytest.raises(UsageError, match="There is no Python"):
        find(asked, tmp_path, {})
