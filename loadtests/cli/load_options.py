"""The options that say what users ask, the same for every command that makes a load."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from loadtests.cli import parameters
from loadtests.model.errors import UsageError
from loadtests.model.tested.variables import name_only

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name (RFC 9110, 5.6.2)."""

_FILE = click.Path(path_type=Path)

OF_A_LOAD = (
    click.option(
        "--request",
        "requests",
        multiple=True,
        metavar="LINE",
        help='Ask this: a weight, a method and a path, such as "3 GET /search". Repeatable.',
    ),
    click.option("--locustfile", type=_FILE, metavar="FILE", help="Use this locustfile as it is."),
    click.option(
        "--tags",
        callback=lambda *given: parameters.names(*given) or (),
        metavar="NAMES",
        help="Only the locustfile's tasks with one of these tags.",
    ),
    click.option(
        "--keep-waits/--no-keep-waits",
        default=None,
        help="Keep the waiting times of a locustfile's users.  [default: no]",
    ),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="NAME=VALUE",
        help="Send this header with every request of the load. Repeatable.",
    ),
    click.option(
        "--generator-requirements",
        type=_FILE,
        metavar="FILE",
        help="Requirements with the modules that a locustfile imports.",
    ),
)
OPTIONS = (
    *OF_A_LOAD,
    click.option(
        "--reset-command",
        metavar="COMMAND",
        help="A command that takes back what the load leaves behind; no shell reads it.",
    ),
)


def load_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the load to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def headers(given: Iterable[str]) -> dict[str, str]:
    """Return the headers of ``--header``; raise :class:`UsageError` for a text that is none."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not _TOKEN.fullmatch(name.strip()) or "\n" in value or "\r" in value:
            raise UsageError(_no_header(text))
        found[name.strip()] = value.strip()
    return found


def _no_header(text: str) -> str:
    """Return the message for a text that is no header; its value may be a secret."""
    name, colon, _ = text.partition(":")
    advice = f" Here: --header {name}=…, with no colon." if colon and _TOKEN.fullmatch(name) else ""
    return (
        f"--header {name_only(text)!r} is no header. Try --header X-Forwarded-Proto=https.{advice}"
    )


def words(command: str | None) -> tuple[str, ...]:
    """Return the words of ``--reset-command``; raise :class:`UsageError` if there are none."""
    if command is None:
        return ()
    try:
        found = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--reset-command {command!r}: {str(error).lower()}.") from None
    if not found:
        raise UsageError('--reset-command is empty. Try --reset-command "flask init-db".')
    return found
