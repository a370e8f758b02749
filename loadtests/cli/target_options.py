"""The options that name the system under test, the same for every command that has one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from loadtests.config import request_line
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.tested.variables import name_only
from loadtests.targets import registry
from loadtests.targets.configuration import project_file

MAX_PORT = 65535

VERSIONED = (TargetKind.IMPORT_STRING, TargetKind.SERVICE, TargetKind.DOCKERFILE)
"""Forms of targets that have versions: a deployment is one, and an image is a version itself."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_ARGUMENT = click.argument("given_target", metavar="[TARGET]", required=False)
_FORMS = {
    form.kind: click.option(
        form.option,
        f"target_{form.kind}",
        metavar=form.metavar,
        help=f"The target is {form.about}.",
    )
    for form in registry.FORMS.values()
}
_OF_A_CONTAINER = (
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Read this configuration.  [default: twofold.toml or pyproject.toml]",
    ),
    click.option(
        "--health",
        metavar="PATH",
        help="The path that answers when a replica is ready.  [default: the first request]",
    ),
    click.option(
        "--port",
        type=int,
        metavar="PORT",
        help="The port that the target's container listens on; not for a URL.  [default: found]",
    ),
    click.option(
        "--env",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable for the target; NAME alone takes this shell's value. Repeatable.",
    ),
)
_OTHERS = (
    click.option(
        "--through",
        metavar="SERVICE",
        help="Measure a Compose service through this one, the user's own proxy, such as nginx.",
    ),
    click.option(
        "--i-may-load",
        "may_load",
        multiple=True,
        metavar="HOST",
        help="Load this host of a URL, though it is neither local nor private. Repeatable.",
    ),
    click.option(
        "--python",
        metavar="PROGRAM",
        help="The Python of an import string's environment.  [default: the active one, or .venv]",
    ),
)
OPTIONS = (_ARGUMENT, *_FORMS.values(), *_OF_A_CONTAINER, *_OTHERS)

OF_VERSIONS = (
    *(option for kind, option in _FORMS.items() if kind in VERSIONED),
    *_OF_A_CONTAINER,
)
"""The same for a command that builds versions of the target, and whose words are commands."""


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the options that name a target to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def take_target(given: dict[str, Any], here: Path) -> Target | None:
    """Remove the values that name a target, and return it; None if none is named.

    Raises :class:`UsageError` for two of them, and for one that cannot be used.
    """
    positional = given.pop("given_target", None)
    texts = {kind: given.pop(f"target_{kind}", None) for kind in registry.FORMS}
    named = {kind: text for kind, text in texts.items() if text is not None}
    words = [f"{registry.FORMS[kind].option} {text}" for kind, text in named.items()]
    if positional is not None:
        words.insert(0, positional)
    if len(words) > 1:
        raise UsageError(f"A run has one target, and here are {len(words)}: {', '.join(words)}.")
    try:
        for kind, text in named.items():
            return registry.named(kind, text, here)
        return None if positional is None else project_file.named(positional, here)
    except OSError as error:
        raise UsageError(f"The target cannot be looked for: {error}.") from None


def health(path: str | None) -> str | None:
    """Return the health path; raise :class:`UsageError` for a text that is none."""
    if path is None:
        return None
    try:
        return request_line.path_of(path)
    except UsageError as error:
        raise UsageError(f"--health: {error}") from None


def port(number: int | None) -> int | None:
    """Return the port; raise :class:`UsageError` for a number that is none."""
    if number is not None and not 1 <= number <= MAX_PORT:
        raise UsageError(f"--port is {number}; it has to be from 1 to {MAX_PORT}. Try --port 8000.")
    return number


def variables(given: Iterable[str]) -> dict[str, str]:
    """Return the variables of ``--env``; a name alone has this process's value."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not _VARIABLE.fullmatch(name):
            raise UsageError(
                f"--env {name_only(name)!r} is no name of a variable. Try --env DEBUG=0."
            )
        if not equals and name not in os.environ:
            raise UsageError(
                f"--env {name} takes its value from this shell, where {name} is not set. Set it, or"
                f" write --env {name}=VALUE."
            )
        found[name] = value if equals else os.environ[name]
    return found
