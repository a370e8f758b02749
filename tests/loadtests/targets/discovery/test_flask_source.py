from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.tested.surroundings import FoundRoute
from loadtests.targets.discovery import flask_source
from tests.ordinary_user import folder_for_all, ordinary_user

APP = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "import flask\ndef create_app(config=None):\n    return flask.Flask(__name__)\n"


def names(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [source.name for source in flask_source.find(folder)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (APP, "shop:app"),
        (APP.replace("app =", "application ="), "shop:application"),
        (APP.replace("app =", "shop ="), "shop:shop"),
        (APP.replace("app =", "app: Flask ="), "shop:app"),
        (APP.replace("app =", "shop: Flask\nshop: Flask ="), "shop:shop"),
        (FACTORY, "shop:create_app()"),
        (FACTORY.replace("create_app", "make_app"), "shop:make_app()"),
        (f"{FACTORY}\napp = create_app()", "shop:app"),
        ("from shop import create_app\napp = create_app()", "shop:app"),
        ("import flask\ndef build():\n    return flask.Flask('a')\napp = build()", "shop:app"),
    ],
)
def test_an_application_or_a_factory_is_found_as_flask_finds_it(
    tmp_path: Path, text: str, name: str
) -> None:
    assert names(tmp_path, shop=text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        *("", "app = 5", "def create_app(): pass", "app = Flask(", "def f():\n    Flask()"),
        *("def f():\n    Flask('a').run()\nf()\nx = f()", "app = build()"),
    ],
)
def test_other_modules_are_none(tmp_path: Path, text: str) -> None:
    assert names(tmp_path, shop=text) == []


def test_the_likeliest_comes_first(tmp_path: Path) -> None:
    found = names(tmp_path, other=APP, app=APP, wsgi=APP, tests=APP, setup=APP)

    assert found == ["wsgi:app", "app:app", "other:app"]


def test_packages_and_src_are_looked_into(tmp_path: Path) -> None:
    for package in ("shop", "src/store"):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text(FACTORY)
    (tmp_path / "shop" / "web.py").write_text(APP)
    (tmp_path / "no_package").mkdir()
    (tmp_path / "no_package" / "app.py").write_text(APP)

    assert [(source.name, source.file) for source in flask_source.find(tmp_path)] == [
        ("shop:create_app()", "shop/__init__.py"),
        ("store:create_app()", "src/store/__init__.py"),
        ("shop.web:app", "shop/web.py"),
    ]


def test_routes_are_seen_in_decorators_of_the_application(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        f"""{APP}
@app.route("/")
def index(): ...
@app.route("/login", methods=["GET", "POST"])
def login(): ...
@app.post("/cart")
def cart(): ...
@blueprint.get("/unknown-prefix")
def unknown(): ...
@app.errorhandler(404)
def missing(_): ...
"""
    )
    (source,) = flask_source.find(tmp_path)

    assert source.routes == (
        FoundRoute(path="/"),
        FoundRoute(path="/login", methods=("GET", "POST")),
        FoundRoute(path="/cart", methods=("POST",)),
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "from django.core.wsgi import get_wsgi_application\n"
            "application = get_wsgi_application()",
            "shop:application",
        ),
        ("import falcon\napi = falcon.App()", "shop:api"),
        ("from falcon import App\napp = App()", "shop:app"),
        ("import falcon\ndef create_app():\n    return falcon.API()", "shop:create_app()"),
        ("from bottle import Bottle\napp = Bottle()", "shop:app"),
        ("import bottle\napp = bottle.default_app()", "shop:app"),
        ("import cherrypy\napp = cherrypy.tree.mount(Root(), '/')", "shop:app"),
        ("from cherrypy import Application as A\napp = A(Root(), '/')", "shop:app"),
        ("app = Configurator().make_wsgi_app()", "shop:app"),
        ("import web\napplication = web.application(urls, {}).wsgifunc()", "shop:application"),
        ("from apiflask import APIFlask\napp = APIFlask(__name__)", "shop:app"),
        ("from flask_openapi3 import OpenAPI\napp = OpenAPI(__name__)", "shop:app"),
        ("import socketio as s\napp = s.WSGIApp(s.Server())", "shop:app"),
    ],
)
def test_applications_of_other_frameworks_are_found(tmp_path: Path, text: str, name: str) -> None:
    assert names(tmp_path, shop=text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "import typer\napp = typer.App()",
        "from kivy import App\na = App()",
        "import falcon\nfrom x import y\napp = y.App()",
        "from falcon import testing\napp = testing.App()",
        "from shop import Application\napp = Application()",
    ],
)
def test_a_name_that_others_have_too_is_none(tmp_path: Path, text: str) -> None:
    assert names(tmp_path, shop=text) == []


def test_parameters_in_braces_are_those_of_a_route(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        """from fastapi import FastAPI
app: FastAPI = FastAPI()
@app.get("/items/{item_id}")
async def item(item_id: int): ...
@app.get("/files/{name:path}")
async def file(name: str): ...
"""
    )
    (source,) = flask_source.find_async(tmp_path)

    assert [route.path for route in source.routes] == ["/items/<item_id>", "/files/<path:name>"]


@pytest.mark.parametrize("framework", ["FastAPI", "Starlette", "Quart"])
def test_an_async_application_is_told_apart(tmp_path: Path, framework: str) -> None:
    text = f"from x import {framework}\ndef create_app():\n    return {framework}()\n"

    assert names(tmp_path, main=f"from x import {framework}\napp = {framework}()", shop=text) == []
    assert [(source.name, source.framework) for source in flask_source.find_async(tmp_path)] == [
        ("main:app", framework.lower()),
        ("shop:create_app()", framework.lower()),
    ]


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("from sanic import Sanic\napp = Sanic('shop')", "sanic"),
        ("from blacksheep import Application\napp = Application()", "blacksheep"),
        ("import falcon.asgi\napp = falcon.asgi.App()", "falcon"),
        ("from falcon import asgi\napp = asgi.App()", "falcon"),
        ("from falcon.asgi import App as Own\napp = Own()", "falcon"),
        ("from connexion import AsyncApp\napp = AsyncApp(__name__)", "connexion"),
        ("from aiohttp import web\napp = web.Application()", "aiohttp"),
        ("import tornado.web as w\napp: object = w.Application([])", "tornado"),
    ],
)
def test_an_async_framework_is_known_by_its_module(
    tmp_path: Path, text: str, framework: str
) -> None:
    assert names(tmp_path, main=text) == []
    (source,) = flask_source.find_async(tmp_path)
    assert (source.name, source.framework) == ("main:app", framework)
    assert flask_source.is_async(tmp_path, "main:app")


def test_a_closed_folder_beside_the_code_stops_nothing() -> None:
    """So a store keeps its data that a Compose file mounts."""
    with folder_for_all() as place:
        (place / "pgdata").mkdir(mode=0)
        (place / "shop.py").write_text(APP)

        with ordinary_user():
            assert names(place) == ["shop:app"]
            assert flask_source.find_any(place / "pgdata") == ()


REALWORLD = """
from fastapi import FastAPI
def get_application() -> FastAPI:
    application = FastAPI()
    return application
app = get_application()
"""


def test_an_application_that_a_function_of_any_name_makes_is_found(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(REALWORLD)

    (source,) = flask_source.find_async(tmp_path)

    assert (source.name, source.framework) == ("main:app", "fastapi")
    assert flask_source.is_async(tmp_path, "main:app")


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("from core.factory import build\napp = build()", ["main:app"]),
        ("from .factory import build\napplication = build()", ["main:application"]),
        ("def build(): ...\napp = build()", ["main:app"]),
        ("from typer import Typer\napp = Typer()", []),
        ("import core\napp = core.build()", []),
        ("from core.factory import build\nshop = build()", []),
    ],
)
def test_what_the_projects_own_function_makes_is_a_guess(
    tmp_path: Path, text: str, guessed: list[str]
) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "main.py").write_text(text)
    (tmp_path / "other.py").write_text(text)

    assert flask_source.find_any(tmp_path) == ()
    assert [source.name for source in flask_source.find_guesses(tmp_path)] == guessed


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ('"""A."""\nfrom __future__ import annotations\n__version__ = "1"\nimport os', False),
        ("", False),
        ("from .web import app", True),
        ("from .web import site", True),
        ("from flask import Flask\nshop = Flask(__name__)", True),
        ("def create_app(): ...", True),
        ("def f(:", True),
    ],
)
def test_a_package_that_is_empty_itself_offers_none(
    tmp_path: Path, text: str, *, offers: bool
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text(text)

    assert flask_source.offers_one(tmp_path, "app") is offers
