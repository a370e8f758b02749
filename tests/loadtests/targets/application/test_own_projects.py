"""Which projects of a folder are installed themselves."""

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application.requirements import Requirements, find
from tests.loadtests.targets.application.folders import make_folder
from tests.loadtests.targets.application.test_requirements import POETRY, PROJECT


def found(folder: Path, files: dict[str, str]) -> Requirements:
    return find(make_folder(folder, files))


BUILT = PROJECT + "[build-system]\n"


@pytest.mark.parametrize(
    ("files", "own"),
    [
        ({"pyproject.toml": BUILT}, (".",)),
        ({"pyproject.toml": BUILT, "uv.lock": ""}, (".",)),
        ({"pyproject.toml": BUILT, "requirements.txt": "flask\n"}, (".",)),
        ({"pyproject.toml": BUILT, "requirements.txt": "-e .[db]\n"}, ()),
        ({"setup.py": "", "requirements.txt": "flask\n"}, (".",)),
        ({"pyproject.toml": POETRY + "[build-system]\n"}, (".",)),
        ({"pyproject.toml": PROJECT}, ()),
        ({"pyproject.toml": BUILT + "[tool.pdm]\ndistribution = false\n"}, ()),
        ({"pyproject.toml": BUILT + "[tool.uv]\npackage = false\n", "uv.lock": ""}, ()),
        ({"pyproject.toml": PROJECT + "[tool.uv]\npackage = true\n", "uv.lock": ""}, (".",)),
    ],
)
def test_a_project_that_can_be_built_is_installed_itself(
    tmp_path: Path, files: dict[str, str], own: tuple[str, ...]
) -> None:
    assert found(tmp_path, files).own == own


def test_the_members_of_a_workspace_are_installed_themselves(tmp_path: Path) -> None:
    workspace = (
        '[tool.uv.workspace]\nmembers = ["packages/*", "../other", "/etc", ""]\n'
        'exclude = ["packages/old"]\n'
    )
    make_folder(tmp_path / "other", {"pyproject.toml": BUILT})
    names = ("a", "my lib", "old")
    files = {f"packages/{name}/pyproject.toml": BUILT for name in names}
    files |= {"packages/app/pyproject.toml": PROJECT, "packages/notes/readme.txt": ""}

    needed = found(tmp_path / "shop", {"uv.lock": "", "pyproject.toml": workspace, **files})

    assert needed.own == ("./packages/a", "'./packages/my lib'")


def test_a_member_whose_name_is_no_line_is_left_out(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["*"]\n'
    files = {"uv.lock": "", "pyproject.toml": workspace, "a\nRUN x/pyproject.toml": BUILT}

    assert found(tmp_path, files).own == ()


def test_a_member_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["a"]\n'
    files = {"uv.lock": "", "pyproject.toml": workspace, "a/pyproject.toml": "[project"}

    with pytest.raises(UsageError, match=r"a/pyproject\.toml is no TOML"):
        found(tmp_path, files)
