"""What lies outside of the folder is never taken from the index, by the name that it has here."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application.requirements import find
from tests.loadtests.targets.application.folders import make_folder

API = '[project]\nname = "api"\ndependencies = ["flask>=3", "Shop_Common[db] >= 1"]\n'
IN_WORKSPACE = "[tool.uv.sources]\nshop-common = {workspace = true}\n"
ROOT = '[tool.uv.workspace]\nmembers = ["services/*", "packages/*"]\n'
POETRY = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\n'


@pytest.mark.parametrize(
    ("root", "api"), [(ROOT, API + IN_WORKSPACE), (ROOT + IN_WORKSPACE, API)], ids=["own", "above"]
)
def test_a_package_of_the_workspace_around_is_refused_with_the_place_to_start(
    tmp_path: Path, root: str, api: str
) -> None:
    files = {"pyproject.toml": root, "uv.lock": "", ".git/HEAD": "", "services/api/x": ""}
    make_folder(tmp_path, files | {"services/api/pyproject.toml": api})

    with pytest.raises(UsageError) as raised:
        find(tmp_path / "services/api")

    assert str(raised.value) == (
        f"{tmp_path}/services/api/pyproject.toml needs Shop_Common, which lies in the workspace of"
        f" {tmp_path}, so no image of the folder has it. Start there (twofold run services/api/…),"
        " or name a Dockerfile."
    )


def test_a_member_that_needs_none_of_the_workspace_is_like_others(tmp_path: Path) -> None:
    alone = '[project]\nname = "api"\ndependencies = ["flask>=3"]\n'
    files = {"pyproject.toml": ROOT + IN_WORKSPACE, "services/api/pyproject.toml": alone}
    make_folder(tmp_path, files)

    assert find(tmp_path / "services/api").files == {"requirements.txt": "flask>=3\n"}


def test_a_workspace_of_another_checkout_is_not_looked_at(tmp_path: Path) -> None:
    files = {"pyproject.toml": ROOT + IN_WORKSPACE, "services/.git/HEAD": ""}
    make_folder(tmp_path, files | {"services/api/pyproject.toml": API})

    assert find(tmp_path / "services/api").kind == "pyproject.toml"


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ('{git = "https://git.test/common"}', "its git, https://git.test/common"),
        ('[{index = "internal", marker = "x"}]', "its index, internal"),
        ('{path = "common"}', "its path, common"),
        ("{workspace = true}", "its workspace"),
    ],
)
def test_a_source_that_pip_does_not_read_wants_a_lock(
    tmp_path: Path, source: str, where: str
) -> None:
    project = f"{API}[tool.uv.sources]\nshop-common = {source}\n"
    make_folder(tmp_path, {"pyproject.toml": project})

    with pytest.raises(UsageError, match=f"takes Shop_Common from {where} .*Write a uv.lock"):
        find(tmp_path)

    (tmp_path / "uv.lock").write_text("version = 1\n")
    assert find(tmp_path).kind == "uv.lock"


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": f'{API}[tool.uv.sources]\nshop-common = {{path = "../common"}}\n'},
        {
            "pyproject.toml": f'{API}[tool.uv.sources]\nshop-common = {{path = "../common"}}\n',
            "uv.lock": "",
        },
        {"pyproject.toml": POETRY + 'common = {path = "lib/../../common", develop = true}\n'},
        {"requirements.txt": "flask\n-e ../common\n"},
        {"requirements.txt": "flask\n../common[db]  # ours\n"},
        {"requirements.txt": "file:../common\n"},
        {"requirements.txt": "--editable=..\n"},
    ],
)
def test_a_path_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, files: dict[str, str]
) -> None:
    make_folder(tmp_path / "shop", files)

    with pytest.raises(UsageError, match=r"\.\..*which lies outside of .*/shop, so no image"):
        find(tmp_path / "shop")


def test_what_is_not_installed_may_lie_anywhere(tmp_path: Path) -> None:
    tools = '[tool.uv.sources]\nlint-rules = {path = "../rules"}\n'
    project = '[project]\nname = "shop"\ndependencies = ["flask"]\n'
    optional = 'lint = {path = "../rules", optional = true}\n'
    make_folder(tmp_path / "uv", {"pyproject.toml": project + tools, "uv.lock": ""})
    make_folder(tmp_path / "poetry", {"pyproject.toml": POETRY + optional})

    assert find(tmp_path / "uv").kind == "uv.lock"
    assert find(tmp_path / "poetry").kind == "pyproject.toml"
