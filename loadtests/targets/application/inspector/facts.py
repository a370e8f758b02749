"""Facts of an interpreter, of gunicorn's settings in the folder, and of an application."""

from __future__ import annotations

import importlib.util
import os
import platform
import runpy
import sys
from collections.abc import Sequence
from typing import Any

GUNICORN_SETTINGS = "gunicorn.conf.py"
SETTINGS = frozenset(
    {
        *("bind", "chdir", "daemon", "keepalive", "max_requests", "max_requests_jitter", "pidfile"),
        *("preload_app", "raw_env", "reload", "threads", "timeout", "worker_class", "workers"),
    }
)
MOST_ROUTES = 200


def of_interpreter(modules: Sequence[str]) -> dict[str, Any]:
    """Return the interpreter's name and version, and the versions of its modules."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "modules": {name: version_of(name) for name in modules},
    }


def version_of(module: str) -> str | None:
    """Return the version of an installed module, ``?`` if it does not tell; None for none."""
    try:
        from importlib import metadata

        return metadata.version(module)
    except ImportError:  # no such distribution, or a Python without importlib.metadata
        return "?" if importlib.util.find_spec(module) is not None else None


def of_gunicorn() -> dict[str, Any]:
    """Return the settings of the folder's ``gunicorn.conf.py``; its variables and paths are set.

    gunicorn executes the file before it imports the application, which may need what it sets.
    """
    if not os.path.isfile(GUNICORN_SETTINGS):  # noqa: PTH113  as gunicorn looks for it
        return {}
    values = runpy.run_path(GUNICORN_SETTINGS)
    variables = values.get("raw_env") or ()
    for pair in [variables] if isinstance(variables, str) else variables:
        name, _, value = pair.partition("=")
        os.environ[name] = value
    _set_paths(values.get("chdir"), values.get("pythonpath"))
    return {
        name: value if isinstance(value, (str, int, float)) else str(value)
        for name, value in values.items()
        if name in SETTINGS and value is not None
    }


def _set_paths(chdir: Any, pythonpath: Any) -> None:
    """Change the working folder, and add to the places of modules, as gunicorn does.

    Relative places of ``pythonpath`` start from the folder that ``chdir`` names.
    """
    if chdir:
        os.chdir(chdir)
        _import_first(os.getcwd())  # noqa: PTH109  text, as sys.path has it
    for place in pythonpath.split(",") if pythonpath else ():
        _import_first(os.path.abspath(place))  # noqa: PTH100  as gunicorn makes it


def _import_first(place: str) -> None:
    if place not in sys.path:
        sys.path.insert(0, place)


def of_application(value: Any) -> dict[str, Any]:
    """Return what a Flask application tells about itself: its routes, and its debug mode."""
    rules = getattr(getattr(value, "url_map", None), "iter_rules", list)
    return {
        "debug": getattr(value, "debug", False) is True,
        "routes": [
            {"path": str(rule.rule), "methods": sorted(rule.methods or ())}
            for rule, _ in zip(rules(), range(MOST_ROUTES))  # noqa: B905  not in older Pythons
        ],
    }
