"""What makes an application in a module's source: the classes and functions of frameworks.

A framework more is a line here. What has a name that others have too is known by its module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

FACTORIES = ("create_app", "make_app")
"""Usual names of a project's own functions that make one."""

WSGI = frozenset(
    {"APIFlask", "Bottle", "Dash", "Eve", "Flask", "default_app", "get_wsgi_application"}
    | {"make_wsgi_app", "wsgifunc", *FACTORIES}
)
"""What makes a WSGI application by its name alone; ``make_wsgi_app`` is Pyramid's, and ``wsgifunc``
web.py's."""

WSGI_OF_MODULES = frozenset(
    {"cherrypy.Application", "cherrypy.tree.mount", "falcon.API", "falcon.App"}
    | {"flask_openapi3.OpenAPI", "paste.deploy.loadapp", "pyramid.paster.get_app"}
    | {"socketio.WSGIApp"}
)

ASYNC: Mapping[str, str] = {
    "FastAPI": "fastapi",
    "Litestar": "litestar",
    "Quart": "quart",
    "Sanic": "sanic",
    "Starlette": "starlette",
}
"""What makes an ASGI application by its name alone, and the framework."""

ASYNC_OF_MODULES: Mapping[str, str] = {
    "aiohttp.web.Application": "aiohttp",
    "blacksheep.Application": "blacksheep",
    "blacksheep.server.Application": "blacksheep",
    "connexion.App": "connexion",
    "connexion.AsyncApp": "connexion",
    "connexion.FlaskApp": "connexion",
    "falcon.asgi.App": "falcon",
    "socketio.ASGIApp": "socketio",
    "tornado.web.Application": "tornado",
}
"""The same, with the module; two of these frameworks have a server of their own."""

DJANGOS = "get_asgi_application"
"""What makes Django's; every such project has a WSGI application, too, which init takes."""

ALONE = WSGI | {*ASYNC, DJANGOS}
"""What is known by its last name, whatever stands before it."""


def wsgi_of(tree: ast.Module) -> frozenset[str]:
    """Return the names, as a module writes them, of what makes a WSGI application."""
    imported = list(_imported(tree))
    return WSGI | {name for maker in WSGI_OF_MODULES for name in _written(maker, imported)}


def async_of(tree: ast.Module) -> dict[str, str]:
    """Return the same of what makes an async one, each with its framework."""
    known, imported = dict(ASYNC), list(_imported(tree))
    for maker, framework in ASYNC_OF_MODULES.items():
        known |= dict.fromkeys(_written(maker, imported), framework)
    return known


def makes(value: ast.expr, makers: frozenset[str]) -> bool:
    """Tell whether an expression calls a maker, such as ``falcon.App()`` where that is one."""
    if not isinstance(value, ast.Call):
        return False
    last = name_of(value.func)
    return (last in ALONE and last in makers) or _full_name(value.func) in makers


def name_of(function: ast.expr) -> str:
    """Return the last name of what is called; "" for what has none."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _full_name(function: ast.expr) -> str:
    """Return what is called as it is written, such as ``falcon.App``; "" for other expressions."""
    if isinstance(function, ast.Attribute):
        owner = _full_name(function.value)
        return f"{owner}.{function.attr}" if owner else ""
    return function.id if isinstance(function, ast.Name) else ""


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the full name of each thing that a module imports, and how it writes that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                place = alias.name if alias.asname else alias.name.partition(".")[0]
                yield place, alias.asname or place
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", alias.asname or alias.name


def _written(maker: str, imported: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield how a module writes the full name of a maker, by what it imports."""
    for place, name in imported:
        if f"{maker}.".startswith(f"{place}."):
            yield name + maker[len(place) :]
