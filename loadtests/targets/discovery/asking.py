"""Asks each route of an application once, inside a child process with its own Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.model.tested.surroundings import FoundRoute
from loadtests.tools import proc

PROGRAM = Path(__file__).with_name("asker.py")
LIMIT_S = 20.0
"""How long all requests may take together; those that are late are not known."""

MOST_ASKED = 30

DANGEROUS = (
    *("cancel", "clean", "clear", "cron", "delete", "destroy", "drop", "flush", "kill", "logout"),
    *(
        "migrate",
        "notify",
        "purge",
        "quit",
        "remove",
        "reset",
        "restart",
        "run",
        "send",
        "shutdown",
    ),
    *("signout", "stop", "sync", "task", "trigger", "unsubscribe"),
)
"""Words of paths that may change something although they are asked by GET."""


def is_dangerous(path: str) -> bool:
    """Tell whether a path may change something."""
    return any(word in path.lower() for word in DANGEROUS)


def can_be_asked(route: FoundRoute) -> bool:
    """Tell whether a route is read by GET, and its path has no parameter."""
    return "GET" in route.methods and "<" not in route.path and not is_dangerous(route.path)


def asked(
    routes: Sequence[FoundRoute],
    *,
    application: str,
    source: str,
    python: str,
    folder: Path,
    env: Mapping[str, str],
    is_async: bool,
) -> tuple[FoundRoute, ...]:
    """Return the routes, with the answer's status where a route could be asked.

    ``application`` is a full import string, ``source`` the folder below the project's from which it
    is imported. No network is used: Flask's test client calls the application, and an asynchronous
    one (``is_async``) is called as by a server.
    """
    paths = [route.path for route in routes if can_be_asked(route)][:MOST_ASKED]
    answers: dict[str, tuple[int, float]] = {}

    def take(line: str) -> None:
        try:
            path, status, seconds = json.loads(line)
            answers[str(path)] = (int(status), float(seconds))
        except (ValueError, TypeError):
            return  # the application prints too

    job = {"application": application, "source": source, "paths": paths, "is_async": is_async}
    argv = (python, str(PROGRAM), json.dumps(job))
    with suppress(ProcessFailure):  # what has answered by then is known
        proc.run(argv, cwd=folder, env=env, timeout_s=LIMIT_S, check=False, on_line=take)
    return tuple(_with_answer(route, answers) for route in routes)


def _with_answer(route: FoundRoute, answers: Mapping[str, tuple[int, float]]) -> FoundRoute:
    if route.path not in answers:
        return route
    status, seconds = answers[route.path]
    return replace(route, status=status, seconds=seconds)
