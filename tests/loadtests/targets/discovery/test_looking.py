from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.surroundings import FoundRoute, Surroundings
from loadtests.report.text.init import configuration
from loadtests.targets import registry
from loadtests.targets.discovery import looking
from loadtests.tools import proc

SHOP = """
import os
from flask import Flask, redirect
print("an application may print")
def create_app():
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="index")
    app.add_url_rule("/items/<int:id>", view_func=lambda id: str(id), endpoint="item")
    app.add_url_rule("/me", view_func=lambda: redirect("/login"), endpoint="me")
    app.add_url_rule("/boom", view_func=lambda: 1 / 0, endpoint="boom")
    app.add_url_rule("/logout", view_func=lambda: open("called", "w"), endpoint="logout")
    return app
"""
COMPOSE = "services:\n  web: {build: ., ports: [8000], depends_on: [db]}\n  db: {image: postgres}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def look(folder: Path, *, ask: bool = True, docker: bool = True) -> Surroundings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proc, "which", lambda name: f"/usr/bin/{name}" if docker else None)
        patch.delenv("VIRTUAL_ENV", raising=False)
        return looking.look(folder, python=None, env={}, ask=ask)


def test_an_application_is_imported_and_its_routes_are_asked(shop: Path) -> None:
    found = look(shop)

    assert found.target == "shop:create_app()"
    statuses = {route.path: route.status for route in found.routes}
    assert statuses == {
        "/": 200,
        "/items/<int:id>": None,
        "/me": 302,
        "/boom": 500,
        "/logout": None,
    }


def test_what_may_change_something_is_not_asked(shop: Path) -> None:
    look(shop)

    assert not (shop / "called").exists()


def test_without_asking_routes_are_only_listed(shop: Path) -> None:
    assert {route.status for route in look(shop, ask=False).routes} == {None}


def test_an_application_that_does_not_import_is_told_with_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import Flask\nimport no_such_module\napp = Flask(__name__)\n"
        '@app.get("/")\ndef index(): ...\n'
    )
    found = look(tmp_path)

    assert found.target == "app:app"
    assert found.application is not None
    assert found.application.trouble is not None
    assert "no_such_module" in found.application.trouble
    assert found.routes == (FoundRoute(path="/"),)


def test_the_first_application_that_imports_is_taken(shop: Path) -> None:
    (shop / "app.py").write_text("from flask import Flask\nimport gone\napp = Flask(__name__)\n")

    assert look(shop).target == "shop:create_app()"


def test_a_service_that_needs_others_goes_before_the_application_alone(shop: Path) -> None:
    (shop / "compose.yaml").write_text(COMPOSE)

    assert look(shop).target == "compose.yaml:web"
    assert look(shop, docker=False).target == "shop:create_app()"


def test_of_many_services_the_one_with_flask_is_taken(tmp_path: Path) -> None:
    for name, text in (("a", "print(1)"), ("b", "from flask import Flask\napp = Flask('b')\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(text)
    (tmp_path / "compose.yml").write_text(
        "services:\n  first: {build: a, ports: [1]}\n  second: {build: b}\n"
    )

    assert look(tmp_path).target == "compose.yml:second"


def test_a_dockerfile_is_taken_where_there_is_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch")

    assert look(tmp_path).target == "docker/Dockerfile"
    (tmp_path / "Containerfile").write_text("FROM scratch")
    assert look(tmp_path).target == "Containerfile"
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    assert look(tmp_path).target == "."


def test_flask_app_names_the_application(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    assert look(shop).target == "app:app"
    (shop / ".flaskenv").write_text("FLASK_APP=shop\n")
    assert look(shop).target == "shop:create_app()"

    monkeypatch.chdir(shop)
    monkeypatch.setenv("FLASK_APP", "app")
    assert look(shop).target == "app:app"


def test_an_application_in_a_folder_below_is_told(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "app.py").write_text("from flask import Flask\napp = Flask('a')\n")

    with pytest.raises(UsageError, match=r"Start this in one of backend, or name the target"):
        look(tmp_path)


def test_so_are_those_of_a_monorepo_and_no_package_alone(tmp_path: Path) -> None:
    for name in ("apps/web/app.py", "apps/api/run.py", "node_modules/x/app.py", "__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("from flask import Flask\napp = Flask('a')\n")

    with pytest.raises(UsageError, match=r"Start this in one of apps/api, apps/web, or name"):
        look(tmp_path)


def test_a_folder_with_nothing_to_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Nothing was found in .* that can be tested"):
        look(tmp_path)


FLASK = "from flask import Flask\napp = Flask(__name__, static_folder=None)\n"
DJANGO = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
def get_wsgi_application():
    return lambda environ, start_response: []
application = get_wsgi_application()
"""


def test_a_project_of_django_is_found_by_its_wsgi_module(tmp_path: Path) -> None:
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite" / "__init__.py").write_text("")
    (tmp_path / "mysite" / "wsgi.py").write_text(DJANGO)

    assert look(tmp_path).target == "mysite.wsgi:application"


def test_an_async_application_that_does_not_import_is_built_where_that_is_possible(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").write_text("from fastapi import FastAPI, no_such\napp = FastAPI()\n")

    found = look(tmp_path)
    assert found.target == "main:app"
    assert found.application is not None
    assert "The application does not import: main" in (found.application.trouble or "")

    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert look(tmp_path).target == "."


def test_a_wsgi_application_is_taken_before_an_async_one(tmp_path: Path) -> None:
    (tmp_path / "api.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (tmp_path / "shop.py").write_text("from flask import Flask\napp = Flask(__name__)\n")

    assert look(tmp_path).target == "shop:app"


FASTAPI = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/health")
async def health(): ...
@app.get("/items")
async def items(): ...
@app.get("/items/{item_id}")
async def item(item_id: int): ...
"""


def test_the_routes_of_an_async_application_in_an_image_are_seen(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FASTAPI)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    expected = ["/health", "/items", "/items/<item_id>"]

    assert [route.path for route in look(tmp_path).routes] == expected
    named = registry.recognise(".", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VIRTUAL_ENV", raising=False)
        found = looking.look(tmp_path, named, python=None, env={}, ask=False)
    assert [route.path for route in found.routes] == expected


@pytest.mark.parametrize("context", [".", "api"])
def test_the_routes_of_an_async_service_are_seen(tmp_path: Path, context: str) -> None:
    (tmp_path / context).mkdir(exist_ok=True)
    (tmp_path / context / "main.py").write_text(FASTAPI)
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a: {{build: other, ports: [1]}}\n  b: {{build: {context}}}\n"
    )
    found = look(tmp_path)

    assert found.target == "compose.yaml:b"
    assert [route.path for route in found.routes][:2] == ["/health", "/items"]


def test_an_async_one_that_a_factory_makes_is_the_target(tmp_path: Path) -> None:
    made = "class App:\n    async def __call__(self, scope, receive, send): ...\n"
    text = f"{made}def create_app():\n    return App()\napp = create_app()\n"
    (tmp_path / "main.py").write_text(text)

    found = look(tmp_path)
    assert found.target == "main:app"
    assert found.application is not None
    assert found.application.is_async


STREAM = """
import itertools, time
from flask import Flask
app = Flask(__name__)
@app.get("/events")
def events():
    return (time.sleep(0.2) or "data: 1\\n\\n" for _ in itertools.count()), {"X-A": "b"}
@app.get("/torn")
def torn():
    return (1 / number for number in (1, 0))
@app.get("/z")
def last(): return "z"
"""


def test_a_stream_that_never_ends_is_left_to_the_user_and_later_routes_are_asked(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(STREAM)
    found = {route.path: route for route in look(tmp_path).routes}

    assert (found["/z"].status, found["/torn"].status) == (200, 500)
    assert (found["/events"].seconds or 0) > 1
    assert configuration.requests(tuple(found.values()))[0] == ["/z"]


def test_routes_are_asked_for_by_the_address_of_a_run(tmp_path: Path) -> None:
    settings = "app.config.update(SERVER_NAME='shop.test', TRUSTED_HOSTS=['shop.test'])\n"
    page = "@app.get('/')\ndef index(): return 'hello'\n"
    (tmp_path / "app.py").write_text(f"{FLASK}{settings}{page}")

    assert {route.path: route.status for route in look(tmp_path).routes}["/"] == 400


ASYNC = """
import asyncio
from types import SimpleNamespace

def route(path, methods=("GET",)):
    return SimpleNamespace(path=path, methods=methods, endpoint=None)

class App:
    routes = [route(path) for path in ("/events", "/", "/slash", "/broken", "/logout")]
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["stock"] = 7
            await send({"type": "lifespan.startup.complete"})
            await receive()
        path = scope["path"]
        if path == "/broken":
            raise ValueError
        status = {"/slash": 307, "/logout": 500}.get(path, 200)
        await send({"type": "http.response.start", "status": status, "headers": []})
        while path == "/events":
            await asyncio.sleep(0.1)
        assert scope["state"]["stock"] == 7
        await send({"type": "http.response.body", "body": b"x"})

app = App()
"""


def test_the_routes_of_an_async_application_are_asked_and_a_stream_is_left(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(f"{ASYNC}\ndef FastAPI(): return App()\napp = FastAPI()\n")

    found = look(tmp_path, ask=True)

    statuses = {route.path: route.status for route in found.routes}
    assert statuses == {"/events": 200, "/": 200, "/slash": 307, "/broken": 500, "/logout": None}
    assert configuration.requests(found.routes)[0] == ["/"]


def test_a_package_without_a_file_that_says_so_is_imported_from_above(tmp_path: Path) -> None:
    """As under ``uvicorn app.main:app``, where nobody wrote an ``__init__.py``."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "settings.py").write_text("NAME = 'shop'\n")
    (tmp_path / "app" / "main.py").write_text(f"from app.settings import NAME\n{FLASK}")

    assert look(tmp_path).target == "app.main:app"


def test_an_application_that_another_module_makes_is_guessed_and_imported(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "factory.py").write_text(
        "from flask import Flask\ndef build():\n    return Flask('a', static_folder=None)\n"
    )
    (tmp_path / "main.py").write_text("from core.factory import build\napp = build()\n")
    assert look(tmp_path).target == "main:app"

    (tmp_path / "main.py").write_text("def build(): ...\napp = build()\n")
    with pytest.raises(UsageError, match="Nothing was found"):
        look(tmp_path)
