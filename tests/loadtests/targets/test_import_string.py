import os
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import TargetKind
from loadtests.targets import import_string, registry
from tests.loadtests.targets.application.folders import make_folder

FILES = {
    "shop/__init__.py": "",
    "shop/web.py": "",
    "src/store/__init__.py": "",
    "site/wsgi.py": "",
    "built/app.py": "",
    "built/Dockerfile": "",
    "empty/README": "",
    "compose.yaml": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path, FILES)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("shop:app", TargetKind.IMPORT_STRING),
        ("shop:create_app()", TargetKind.IMPORT_STRING),
        ("shop:create_app('x', n=1)", TargetKind.IMPORT_STRING),
        ("installed_elsewhere:app", TargetKind.IMPORT_STRING),
        ("shop", TargetKind.IMPORT_STRING),
        ("shop.web", TargetKind.IMPORT_STRING),
        ("store", TargetKind.IMPORT_STRING),
        ("shop/web.py", TargetKind.IMPORT_STRING),
        ("shop/web.py:app", TargetKind.IMPORT_STRING),
        ("site", TargetKind.IMPORT_STRING),
        ("built", TargetKind.DOCKERFILE),
        ("built/Dockerfile", TargetKind.DOCKERFILE),
        ("registry:latest", TargetKind.IMAGE),
        ("registry:1.2", TargetKind.IMAGE),
        ("nginx", TargetKind.IMAGE),
        ("compose.yaml:web", TargetKind.SERVICE),
        ("http://127.0.0.1:8000", TargetKind.URL),
    ],
)
def test_a_target_is_recognised_by_its_form(folder: Path, given: str, kind: TargetKind) -> None:
    assert registry.recognise(given, folder).kind is kind


def test_a_folder_is_found_as_flask_finds_its_application(folder: Path) -> None:
    tested = import_string.find("site", folder)

    assert (tested.application, tested.name) == ("", "site")
    assert tested.folder == str(folder / "site")


@pytest.mark.parametrize("line", ["FLASK_APP=web:make_app", "export FLASK_APP = 'web:make_app'"])
def test_flask_app_of_a_file_names_the_application(folder: Path, line: str) -> None:
    make_folder(folder, {"empty/.flaskenv": f"FLASK_DEBUG=1\n{line}\n"})

    tested = registry.recognise("empty", folder)

    assert (tested.kind, tested.application) == (TargetKind.IMPORT_STRING, "web:make_app")


def test_flask_app_of_the_environment_is_that_of_the_working_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_APP", "web")
    monkeypatch.chdir(folder / "empty")

    assert import_string.find(".", Path.cwd()).application == "web"
    assert import_string.find("../site", Path.cwd()).application == ""


@pytest.mark.parametrize("given", ["shop app", "shop:", "shop:app:x", "1shop:app", ""])
def test_what_is_no_import_string_is_refused_with_examples(folder: Path, given: str) -> None:
    with pytest.raises(UsageError, match="--app shop:app"):
        registry.named(TargetKind.IMPORT_STRING, given or "-", folder)


@pytest.mark.parametrize("given", ["closed", "closed/shop.py"])
def test_a_folder_that_this_user_may_not_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    make_folder(folder, {"closed/shop.py": ""})
    monkeypatch.setattr(os, "access", lambda path, _: "closed" not in str(path))

    with pytest.raises(UsageError, match=r"may not read the folder .*closed.*chmod u"):
        registry.recognise(given, folder)
