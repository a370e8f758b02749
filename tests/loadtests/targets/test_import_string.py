import os
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Interface, TargetKind
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


@pytest.mark.parametrize(
    ("line", "application"),
    [
        ("FLASK_APP=web:make_app", "web:make_app"),
        ("export FLASK_APP = 'web:make_app'", "web:make_app"),
        ("FLASK_APP=\"web:make_app('dev')\"", "web:make_app('dev')"),
        ("FLASK_APP=web:make_app('dev')  # not prod", "web:make_app('dev')"),
        ("FLASK_APP=\nFLASK_APP=web # the site", "web"),
    ],
)
def test_flask_app_of_a_file_names_the_application(
    folder: Path, line: str, application: str
) -> None:
    make_folder(folder, {"empty/.flaskenv": f"FLASK_DEBUG=1\n{line}\n"})

    tested = registry.recognise("empty", folder)

    assert (tested.kind, tested.application) == (TargetKind.IMPORT_STRING, application)


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


MADE = "from fastapi import FastAPI\napi = FastAPI()\ndef create_app():\n    return FastAPI()\n"
BOTH = "from flask import Flask\nfrom fastapi import FastAPI\napp, api = Flask('a'), None\n"
DJANGO = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"


@pytest.mark.parametrize(
    ("given", "text", "is_async"),
    [
        ("main:api", MADE, True),
        ("main", MADE, True),
        ("main.py", MADE, True),
        ("main.py:api", MADE, True),
        ("main:create_app()", MADE, True),
        ("main:create_app", MADE, True),
        ("main:application", DJANGO, True),
        ("main:other", MADE, False),
        ("main:app", BOTH, False),
        ("main:app", "def f(:", False),
        ("elsewhere:app", MADE, False),
    ],
)
def test_an_async_application_is_known_before_its_import_where_the_source_shows_it(
    tmp_path: Path, given: str, text: str, is_async: bool
) -> None:
    make_folder(tmp_path, {"main.py": text})

    tested = import_string.find(given, tmp_path)

    assert tested.interface is (Interface.ASGI if is_async else None)


def test_an_async_application_in_a_folder_below_is_known_too(tmp_path: Path) -> None:
    make_folder(tmp_path, {"src/shop/web.py": MADE, "src/shop/__init__.py": "", "own/app.py": MADE})

    assert import_string.find("shop.web:api", tmp_path).interface is Interface.ASGI
    assert import_string.find("src/shop/web.py:api", tmp_path).interface is Interface.ASGI
    assert import_string.find("own", tmp_path).interface is Interface.ASGI


FACTORY = "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n"
WSGI_FACTORY = FACTORY.replace("fastapi import FastAPI", "flask import Flask").replace(
    "FastAPI()", "Flask('a')"
)


@pytest.mark.parametrize(
    ("given", "main", "factory", "is_async"),
    [
        ("main:app", "from shop.web import create_app\napp = create_app()", FACTORY, True),
        ("main", "from shop.web import create_app\napp = create_app()", FACTORY, True),
        ("main:app", "from shop.web import create_app as make\napp = make()", FACTORY, True),
        ("main:app", "from shop.web import app", f"{FACTORY}app = create_app()", True),
        ("main:app", "from shop import app", f"{FACTORY}app = FastAPI()", True),
        ("main:app", "from shop.web import create_app\napp = create_app()", WSGI_FACTORY, False),
        ("main:app", "from shop.web import other\napp = other()", FACTORY, False),
        ("main:app", "from main import app", FACTORY, False),
        ("main:app", "from elsewhere import create_app\napp = create_app()", FACTORY, False),
    ],
)
def test_an_application_that_another_module_makes_is_followed_there(
    tmp_path: Path, given: str, main: str, factory: str, *, is_async: bool
) -> None:
    files = {"main.py": main, "shop/web.py": factory, "shop/__init__.py": "from .web import app"}
    make_folder(tmp_path, files)

    assert (import_string.find(given, tmp_path).interface is Interface.ASGI) is is_async


@pytest.mark.parametrize("name", ["main", "asgi", "api"])
def test_a_folder_with_fastapis_usual_module_is_a_target(tmp_path: Path, name: str) -> None:
    make_folder(tmp_path, {f"{name}.py": MADE.replace("api =", "app =")})

    tested = registry.recognise(".", tmp_path)

    assert (tested.application, tested.interface) == ("", Interface.ASGI)


def test_a_folder_whose_main_module_makes_no_application_is_none(tmp_path: Path) -> None:
    make_folder(tmp_path, {"main.py": "print('no application')"})

    with pytest.raises(UsageError, match="There is no Dockerfile in"):
        registry.recognise(".", tmp_path)


def test_a_package_that_is_empty_itself_is_no_application_of_its_folder(tmp_path: Path) -> None:
    """As FastAPI's own examples have it: the application lies in ``app/main.py``."""
    make_folder(tmp_path, {"app/__init__.py": "", "app/main.py": MADE.replace("api =", "app =")})

    with pytest.raises(UsageError, match=r"in app/main.py: there, name app.main:app\."):
        registry.recognise(".", tmp_path)
