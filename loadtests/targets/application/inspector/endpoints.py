"""The routes of an asynchronous application, as Starlette and FastAPI have them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from loadtests.targets.application.inspector import facts

_BRACES = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")
"""A parameter of a path as Starlette writes it."""

MOST_NESTED = 8


def of_application(value: Any) -> dict[str, Any]:
    """Return its routes, and how many of them run in a pool of threads; nothing where it has none.

    Paths are written as Flask does: ``/items/<int:id>``.
    """
    if hasattr(value, "url_map"):  # Quart's routes are written as Flask's
        return facts.of_application(value)
    try:
        found = [route for route, _ in zip(_routes(value, "", 0), range(facts.MOST_ROUTES))]  # noqa: B905  not in older Pythons
    except Exception:  # noqa: BLE001  they are a help, and another framework may call others so
        return {}
    return {
        "debug": getattr(value, "debug", False) is True,
        "routes": [{"path": path, "methods": methods} for path, methods, _ in found],
        "in_threads": sum(in_threads for _, _, in_threads in found),
    }


def _routes(owner: Any, prefix: str, depth: int) -> Iterator[tuple[str, list[str], bool]]:
    """Give each route's path and methods, and whether it runs in a thread.

    What is mounted or included comes with its prefix; documentation that a framework adds is left
    out.
    """
    for route in getattr(owner, "routes", None) or ():
        included = getattr(route, "original_router", None)  # as newer FastAPI keeps it
        if included is not None and depth < MOST_NESTED:
            own = getattr(getattr(route, "include_context", None), "prefix", "")
            yield from _routes(included, f"{prefix}{own}", depth + 1)
            continue
        path = prefix + str(getattr(route, "path", ""))
        methods = getattr(route, "methods", None)
        if methods and _is_shown(route):
            endpoint = getattr(route, "endpoint", None)
            is_called = inspect.isfunction(endpoint) or inspect.ismethod(endpoint)
            in_threads = is_called and not inspect.iscoroutinefunction(endpoint)
            yield _BRACES.sub(_as_flask_writes, path), sorted(methods), in_threads
        elif not methods and depth < MOST_NESTED:
            yield from _routes(route, path, depth + 1)


def _is_shown(route: Any) -> bool:
    """Tell whether a route is the application's own; of Litestar, its handlers say so."""
    parts = getattr(route, "route_handlers", None) or (route,)
    return any(_is_in_schema(part) for part in parts)


def _is_in_schema(part: Any) -> bool:
    """Tell whether documentation is to have it; of Litestar, its routers say so, too."""
    whole = getattr(part, "resolve_include_in_schema", None)
    return (whole() if whole else getattr(part, "include_in_schema", True)) is not False


def _as_flask_writes(match: re.Match[str]) -> str:
    kind, name = match["kind"], match["name"]
    return f"<{kind}:{name}>" if kind else f"<{name}>"
