"""The versions in the locks of PDM and of pylock.toml, as pip reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application import locks

PDM = """
[metadata]
groups = ["default", "dev"]
lock_version = "4.5.0"

[[package]]
name = "uvicorn"
version = "0.30.1"
marker = "python_version >= '3.9'"

[[package]]
name = "uvicorn"
version = "0.30.1"
extras = ["standard"]

[[package]]
name = "numpy"
version = "1.26.4"
marker = "python_version < '3.12'"

[[package]]
name = "numpy"
version = "2.1.0"
marker = "python_version >= '3.12'"

[[package]]
name = "shop-lib"
version = "0.1.0"
path = "./lib"
"""

PYLOCK = """
lock-version = "1.0"

[[packages]]
name = "flask"
version = "3.1.0"
wheels = [{name = "flask-3.1.0-py3-none-any.whl"}]

[[packages]]
name = "colorama"
version = "0.4.6"
marker = "sys_platform == 'win32'"

[[packages]]
name = "pytest"
version = "8.3.0"
marker = "'dev' in dependency_groups"

[[packages]]
name = "shop"
directory = {path = ".", editable = true}
"""


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_package_is_held_to_its_version_and_of_several_the_marker_says_which(
    tmp_path: Path,
) -> None:
    folder = written(tmp_path, "pdm.lock", PDM)

    assert locks.find(folder) == "pdm.lock"
    assert locks.constraints(folder, "pdm.lock").splitlines() == [
        "uvicorn==0.30.1",
        "numpy==1.26.4 ; python_version < '3.12'",
        "numpy==2.1.0 ; python_version >= '3.12'",
    ]


def test_versions_that_no_marker_of_pip_tells_apart_hold_nothing(tmp_path: Path) -> None:
    entry = '[[packages]]\nname = "a"\nversion = "{0}"\nmarker = "\'{0}\' in extras"\n'
    folder = written(tmp_path, "pylock.toml", entry.format(1) + entry.format(2))

    assert locks.constraints(folder, "pylock.toml") == ""


def test_a_list_has_what_every_install_has_and_not_the_folder_itself(tmp_path: Path) -> None:
    folder = written(tmp_path, "pylock.toml", PYLOCK)

    assert locks.find(folder) == "pylock.toml"
    assert locks.listed(folder) == ["flask==3.1.0", "colorama==0.4.6 ; sys_platform == 'win32'"]


@pytest.mark.parametrize(
    ("place", "value"),
    [("directory", '{path = "lib"}'), ("vcs", '{type = "git"}'), ("archive", '{url = "x"}')],
)
def test_a_list_with_a_package_from_elsewhere_is_refused(
    tmp_path: Path, place: str, value: str
) -> None:
    folder = written(tmp_path, "pylock.toml", f'[[packages]]\nname = "lib"\n{place} = {value}\n')

    with pytest.raises(UsageError, match=f"takes lib from its {place}, which is not read there"):
        locks.listed(folder)


@pytest.mark.parametrize(
    "text",
    [
        "package = 1",
        "[[package]]\nversion = '1'\n",
        "[[package]]\nname = 'a'\n",
        "[[package]]\nname = 'a'\nversion = '1\\n--index-url x'\n".replace("'", '"'),
        "[[package]]\nname = '-r x'\nversion = '1'\n",
    ],
)
def test_an_entry_that_is_no_package_says_nothing(tmp_path: Path, text: str) -> None:
    assert locks.constraints(written(tmp_path, "pdm.lock", text), "pdm.lock") == ""


def test_a_lock_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pdm\.lock is no TOML"):
        locks.constraints(written(tmp_path, "pdm.lock", "[[package"), "pdm.lock")


def test_a_folder_may_have_none(tmp_path: Path) -> None:
    assert locks.find(tmp_path) is None
