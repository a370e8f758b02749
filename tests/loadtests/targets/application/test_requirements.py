from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application.requirements import Requirements, find, what_to_add
from tests.loadtests.targets.application.folders import make_folder

PROJECT = (
    '[project]\nname = "shop"\nrequires-python = ">=3.11"\ndependencies = ["flask>=3", "redis"]\n'
)


def found(folder: Path, files: dict[str, str]) -> Requirements:
    return find(make_folder(folder, files))


def test_a_lock_of_uv_comes_first_with_the_project_that_it_locks(tmp_path: Path) -> None:
    files = {"uv.lock": "version = 1\n", "pyproject.toml": PROJECT, "requirements.txt": "flask\n"}

    needed = found(tmp_path, files)

    assert needed.kind == "uv.lock"
    assert needed.files == {"uv.lock": "version = 1\n", "pyproject.toml": PROJECT}
    assert needed.python == ">=3.11"


def test_requirements_come_with_the_files_that_they_include(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n-c constraints.txt\nredis\n",
        "requirements/base.txt": "-r more.txt\nflask # the framework\n",
        "requirements/more.txt": "click\n",
        "constraints.txt": "flask<4\n",
        "requirements/dev.txt": "pytest\n",
    }

    needed = found(tmp_path, files)

    assert needed.kind == "requirements.txt"
    assert set(needed.files) == set(files) - {"requirements/dev.txt"}
    assert needed.files["requirements/base.txt"] == files["requirements/base.txt"]


@pytest.mark.parametrize("included", ["../secret.txt", "/etc/passwd", "sub/../../secret.txt"])
def test_a_file_outside_of_the_folder_is_neither_read_nor_written(
    tmp_path: Path, included: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret\n")

    with pytest.raises(UsageError, match="lies outside of"):
        found(tmp_path / "shop", {"requirements.txt": f"-r {included}\n"})


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "more.txt"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret\n")
    make_folder(tmp_path / "shop", {"requirements.txt": "-r more.txt\n"})
    (tmp_path / "shop" / name).unlink(missing_ok=True)
    (tmp_path / "shop" / name).symlink_to(tmp_path / "secret")

    with pytest.raises(UsageError, match="is a link to"):
        find(tmp_path / "shop")


def test_a_link_within_the_checkout_is_followed(tmp_path: Path) -> None:
    make_folder(tmp_path, {"common.txt": "flask\n", ".git/config": "", "shop/shop.py": ""})
    (tmp_path / "shop/requirements.txt").symlink_to("../common.txt")

    assert find(tmp_path / "shop").files == {"requirements.txt": "flask\n"}


@pytest.mark.parametrize(
    "line",
    [
        *(".", "-e .", "-e .[db]", "./lib", "--editable=./lib", "-e libs/shop", "-e file:lib"),
        *("-e libs/shop[db]", "libs/shop", "wheels/shop-1.0-py3-none-any.whl", "shop-1.0.tar.gz"),
    ],
)
def test_what_lies_in_the_folder_is_installed_after_the_code(tmp_path: Path, line: str) -> None:
    needed = found(tmp_path, {"requirements.txt": f"flask\n{line}\n"})

    assert needed.files == {"requirements.txt": "flask\n"}
    assert needed.local[0].replace("'", "") == line


@pytest.mark.parametrize(
    "line",
    [
        *("-e git+https://example.org/x.git#egg=x", "a.b", "x @ https://e/x", "# see docs/x.txt"),
        *("-e git+git@example.org:x/y", "git+ssh://git@example.org/x", "https://e.org/x-1.tar.gz"),
        *("--find-links wheels/", "a==1; platform_version == 'a/b'", "a  # via -r base/x.in"),
    ],
)
def test_what_lies_elsewhere_is_a_requirement_like_others(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, {"requirements.txt": line}).files == {"requirements.txt": f"{line}\n"}


def test_a_file_of_the_machine_that_froze_the_requirements_is_in_no_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"takes flask from /croot/f/work.*--format=freeze"):
        found(tmp_path, {"requirements.txt": "flask @ file:///croot/f/work\n"})


def test_a_file_that_powershell_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("flask==3.1\r\n".encode("utf-16"))

    assert find(tmp_path).files == {"requirements.txt": "flask==3.1\n"}


def test_dependencies_of_a_project_are_requirements(tmp_path: Path) -> None:
    needed = found(tmp_path, {"pyproject.toml": PROJECT})

    assert needed.kind == "pyproject.toml"
    assert needed.files == {"requirements.txt": "flask>=3\nredis\n"}
    assert needed.local == ()


def test_a_project_that_its_builder_has_to_ask_is_installed_as_it_is(tmp_path: Path) -> None:
    text = '[build-system]\n[project]\nname = "a"\ndynamic = ["dependencies"]\n'

    assert found(tmp_path, {"pyproject.toml": text}).local == (".",)


POETRY = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nflask = "^3"\n'


@pytest.mark.parametrize(
    "text",
    [
        POETRY,
        "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\nflask = '^3'\n",
        '[tool.poetry]\nname = "shop"\n',
    ],
)
def test_poetry_installs_what_a_project_of_its_own_needs_but_not_the_project(
    tmp_path: Path, text: str
) -> None:
    needed = found(tmp_path, {"pyproject.toml": text, "app.py": ""})

    assert (needed.kind, needed.tool) == ("pyproject.toml", "poetry")
    assert needed.files == {"pyproject.toml": text}
    assert (needed.local, needed.own) == ((), ())


@pytest.mark.parametrize("text", [POETRY, PROJECT])
def test_poetry_installs_its_lock_unless_requirements_are_written_down(
    tmp_path: Path, text: str
) -> None:
    files = {"pyproject.toml": text, "poetry.lock": "# locked\n"}

    needed = found(tmp_path, files)

    assert (needed.kind, needed.tool, needed.files) == ("poetry.lock", "poetry", files)
    assert found(tmp_path, {"requirements.txt": "flask\n"}).kind == "requirements.txt"


@pytest.mark.parametrize(
    ("files", "needs_code"),
    [
        ({"pyproject.toml": POETRY + 'lib = {path = "lib"}\n'}, True),
        ({"pyproject.toml": POETRY + 'redis = [{version = "5"}, {path = "r"}]\n'}, True),
        ({"pyproject.toml": POETRY + 'redis = {version = "5"}\n'}, False),
        (
            {"uv.lock": "", "pyproject.toml": PROJECT + '[tool.uv.sources]\nb = {path = "b"}\n'},
            True,
        ),
        (
            {
                "uv.lock": "",
                "pyproject.toml": PROJECT + "[tool.uv.sources]\nb = {workspace = true}",
            },
            False,
        ),
    ],
)
def test_packages_that_lie_in_the_folder_are_installed_once_it_is_there(
    tmp_path: Path, files: dict[str, str], needs_code: bool
) -> None:
    assert found(tmp_path, files).needs_code is needs_code


PDM = '[[package]]\nname = "flask"\nversion = "3.0.3"\n'
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "flask"\nversion = "3.1.0"\n'


@pytest.mark.parametrize(
    ("name", "text", "pins"),
    [("pdm.lock", PDM, "flask==3.0.3\n"), ("pylock.toml", PYLOCK, "flask==3.1.0\n")],
)
def test_what_a_project_lists_is_installed_at_the_versions_of_its_lock(
    tmp_path: Path, name: str, text: str, pins: str
) -> None:
    needed = found(tmp_path, {"pyproject.toml": PROJECT, name: text})

    assert (needed.kind, needed.tool, needed.python) == (name, "pip", ">=3.11")
    assert needed.files == {
        "requirements.txt": "--constraint constraints.txt\nflask>=3\nredis\n",
        "constraints.txt": pins,
    }


def test_a_pylock_file_without_a_project_that_lists_anything_is_the_list_itself(
    tmp_path: Path,
) -> None:
    needed = found(tmp_path, {"pylock.toml": PYLOCK, "setup.py": ""})

    assert (needed.kind, needed.own) == ("pylock.toml", (".",))
    assert needed.files == {"requirements.txt": "flask==3.1.0\n"}


def test_requirements_that_are_written_down_come_before_a_lock_that_pip_cannot_read(
    tmp_path: Path,
) -> None:
    files = {"pyproject.toml": PROJECT, "pdm.lock": PDM, "requirements.txt": "flask\n"}

    assert found(tmp_path, files).kind == "requirements.txt"


def test_a_folder_with_a_setup_file_alone_is_installed(tmp_path: Path) -> None:
    needed = found(tmp_path, {"setup.py": "", "setup.cfg": "[options]\ninstall_requires = x\n"})

    assert (needed.kind, needed.local, needed.own) == ("setup.py", (".",), ())


def test_what_setup_cfg_lists_is_required_and_its_settings_of_tools_are_not(
    tmp_path: Path,
) -> None:
    listed = "[flake8]\na = %(b)s\n[options]\ninstall_requires =\n    flask>=3\n    redis\n"

    assert found(tmp_path, {"setup.cfg": "[flake8]\nignore = E1\n"}) == Requirements()
    needed = found(tmp_path, {"setup.cfg": listed})
    assert (needed.kind, needed.files) == ("setup.cfg", {"requirements.txt": "flask>=3\nredis\n"})


def test_a_setup_cfg_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"setup\.cfg cannot be read"):
        found(tmp_path, {"setup.cfg": "flask"})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Pipfile": ""}, "Its Pipfile is not read: pipenv requirements > requirements.txt"),
        (
            {"requirements/dev.txt": "", "requirements/prod.txt": ""},
            "write a requirements.txt with the line -r requirements/prod.txt",
        ),
        ({"requirements/x.txt": ""}, "with the line -r requirements/x.txt"),
        (
            {"requirements-dev.txt": "", "requirements-prod.txt": ""},
            "Its requirements-prod.txt is not read: write a requirements.txt with the line"
            " -r requirements-prod.txt",
        ),
        (
            {"environment.yml": ""},
            "Its environment.yml is not read: pip list --format=freeze > requirements.txt",
        ),
        ({"app.py": ""}, "Name its package in a requirements.txt."),
    ],
)
def test_what_is_not_read_is_told_with_what_was_looked_for(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    advice = what_to_add(tmp_path, found(tmp_path, files))

    assert (
        "uv.lock, requirements.txt, poetry.lock, pdm.lock, pylock.toml, pyproject.toml, setup.py or"
        " setup.cfg" in advice
    )
    assert advice.endswith(said)


def test_a_package_that_the_requirements_lack_belongs_there(tmp_path: Path) -> None:
    advice = what_to_add(tmp_path, found(tmp_path, {"requirements.txt": "", "Pipfile": ""}))

    assert advice == "The image has what requirements.txt names. Name its package there."


def test_a_folder_may_say_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, {"shop.py": ""}) == Requirements()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pyproject.toml": "[project"}, r"pyproject.toml is no TOML: .*at end of document"),
        ({"requirements.txt": "-r base.txt"}, r"The requirements need .*base.txt: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        found(tmp_path, files)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"flask # \xe9")

    with pytest.raises(UsageError, match="neither UTF-8 nor UTF-16"):
        find(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "project = 1",
        "tool = 2",
        '[project]\ndependencies = "flask"\nrequires-python = 3',
        "[project]\ndependencies = {a = 1}",
    ],
)
def test_values_of_another_kind_say_nothing(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, {"pyproject.toml": text}) == Requirements()


def test_a_file_that_is_nested_without_end_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pyproject.toml (is nested too deeply|is no TOML)"):
        found(tmp_path, {"pyproject.toml": f"a = {'[' * 20_000}"})
