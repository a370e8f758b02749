"""The routes of a Django project, as its URL configuration has them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from loadtests.targets.application.inspector import facts

MOST_NESTED = 8

METHODS = ("get", "post", "put", "patch", "delete")

ADMIN = "admin"
"""The application whose pages Django brings itself, behind a login."""

_NAMED = re.compile(r"\(\?P<(?P<name>\w+)>(?P<inside>[^()]*)\)")
_GROUP = re.compile(r"\((?!\?)[^()]*\)")
_ESCAPED = re.compile(r"\\([-./_])")
_SPECIAL = re.compile(r"[()\[\]*+?|\\^$]")
"""What is left of a regular expression that stands for more than one path."""


def of_project() -> dict[str, Any]:
    """Return the routes and the debug mode of the project that is set up; nothing without one.

    Paths are written as Flask does, which is Django's own way too: ``/items/<int:id>``.
    """
    try:
        routes = _routes(importlib.import_module("django.urls").get_resolver(), "/", 0)
        found = [route for route, _ in zip(routes, range(facts.MOST_ROUTES))]  # noqa: B905  not in older Pythons
        is_debug = importlib.import_module("django.conf").settings.DEBUG is True
    except Exception:  # noqa: BLE001  they are a help, and a URL configuration is anybody's code
        return {}
    return {
        "debug": is_debug,
        "routes": [{"path": path, "methods": methods} for path, methods in found],
    }


def _routes(resolver: Any, prefix: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    """Give each route's path and methods; what is included comes with its prefix."""
    for entry in resolver.url_patterns:
        text = _path_of(entry.pattern)
        if text is None or getattr(entry, "app_name", None) == ADMIN:
            continue
        if not hasattr(entry, "url_patterns"):
            yield prefix + text, _methods_of(entry.callback)
        elif depth < MOST_NESTED:
            yield from _routes(entry, prefix + text, depth + 1)


def _path_of(pattern: Any) -> str | None:
    """Return a pattern as a path; None for a regular expression that is no single one."""
    text = str(pattern)
    if type(pattern).__name__ != "RegexPattern":
        return text
    text = re.sub(r"(?:\$|\\Z)$", "", text.removeprefix("^"))
    text = _GROUP.sub("<value>", _NAMED.sub(_as_flask_writes, text)).replace("/?", "/")
    text = _ESCAPED.sub(r"\1", text)
    return None if _SPECIAL.search(text) else text


def _as_flask_writes(match: re.Match[str]) -> str:
    is_path = match["inside"] in {".*", ".+"}
    return f"<path:{match['name']}>" if is_path else f"<{match['name']}>"


def _methods_of(view: Any) -> list[str]:
    """Return the methods of a view that is a class, or a set of views; GET of a function."""
    actions = getattr(view, "actions", None)  # of Django REST framework
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if isinstance(actions, dict):
        return sorted(str(name).upper() for name in actions)
    return [name.upper() for name in METHODS if hasattr(owner, name)] or ["GET"]
