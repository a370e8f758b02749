"""What an object is: a WSGI application, an async one, a factory, or something else."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from types import ModuleType
from typing import Any

WSGI = frozenset({"bottle", "cherrypy", "django", "falcon", "flask", "hug", "pyramid", "web"})
ASGI = frozenset(
    {"aiohttp", "blacksheep", "fastapi", "litestar", "quart", "sanic", "starlette", "tornado"}
)

OWN_SERVER = frozenset({"aiohttp", "tornado"})
"""Asynchronous frameworks with neither interface: they have a server of their own."""

PARTS = frozenset({"BaseRoute", "Router", "StaticFiles"})
"""Classes of Starlette and FastAPI whose instances are called as an application is."""

WRAPPED = ("server", "app", "wsgi_app", "wsgi")
"""Attributes in which other objects, such as Dash's, keep their application."""

ANY = 99
"""As many arguments as one likes."""


def framework_of(value: Any) -> str | None:
    """Return the framework's package, such as ``flask``, by a value's classes.

    The value itself is not asked: a proxy such as ``flask.current_app`` would raise.
    """
    kind = value if isinstance(value, type) else type(value)
    tops = [parent.__module__.partition(".")[0] for parent in kind.__mro__]
    return next((top for top in tops if top in WSGI | ASGI), None)


def interface_of(value: Any) -> str | None:
    """Return ``wsgi`` or ``asgi``; None for what is neither, or is a factory of one."""
    try:
        return _interface_of(value)
    except Exception:  # noqa: BLE001  a proxy such as flask.request raises outside of a request
        return None


def _interface_of(value: Any) -> str | None:
    if framework_of(value) in OWN_SERVER:
        return "asgi" if _has_a_class(value, {"Application"}) else None
    if isinstance(value, ModuleType) or not callable(value):
        return None
    if isinstance(value, type):  # PEP 3333: its instances are answers
        return "wsgi" if positional(value) == (2, 2) else None
    call = getattr(value, "__call__", None)  # noqa: B004  the method is what is asked about
    least, most = positional(call if inspect.ismethod(call) else value)
    is_async = inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call)
    if is_async or framework_of(value) in ASGI:  # ASGI 3: scope, receive, send
        return "asgi" if least <= 3 <= most else None
    if inspect.isfunction(value):  # create_app(config=None, debug=False) takes two, and is none
        return "wsgi" if least == 2 or (least < 2 and most == ANY) else None
    return "wsgi" if least <= 2 <= most else None


def is_part(value: Any) -> bool:
    """Tell whether a value could be served, but is a part of an application, such as a router."""
    return _has_a_class(value, PARTS)


def _has_a_class(value: Any, names: Collection[str]) -> bool:
    return any(parent.__name__ in names for parent in type(value).__mro__)


def needs_nothing(value: Any) -> bool:
    """Tell whether a value is a function that can be called without arguments."""
    return inspect.isfunction(value) and positional(value)[0] == 0


def positional(value: Any) -> tuple[int, int]:
    """Return how many positional arguments a call needs, and how many it takes."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError, RuntimeError):  # a callable in C, or a proxy
        return 0, ANY
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return ANY, ANY
    named = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in named), ANY if many else len(named)


def description_of(value: Any) -> str:
    """Return what a value is: its class, or its own name."""
    if value is None:
        return "None"
    kind = value if isinstance(value, type) else type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"the class {name}" if isinstance(value, type) else name


def wrapped(value: Any) -> list[str]:
    """Return the attributes of a value that are applications."""
    return [name for name in WRAPPED if interface_of(getattr(value, name, None))]
