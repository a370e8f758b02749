"""The results folder, and the command line for a run's facts."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from loadtests.environments.guards import machine_lock
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.safe_text import is_utf8, printable
from loadtests.model.tested.variables import HIDDEN, is_secret, path_without_secrets
from loadtests.results import run_search
from loadtests.targets import checkout
from loadtests.targets.configuration import project_file

HIDDEN_WHOLE = ("--reset-command",)
"""Options whose value is not written down: a command may have a password in any of its words."""

WITH_SECRETS = ("--env", "--base-env", "--head-env")
"""Options with a value NAME=VALUE, of which only the name is written down."""

HEADER = "--header"
"""The option whose values are written down but for those that are secret by their names."""


def of(out: Path | None) -> Path:
    """Return the folder of ``--out``, of the configuration, or the default one.

    It is absolute, for programs that work elsewhere.
    """
    if out is None:
        out = project_file.results(Path.cwd())
    return (out if out is not None else checkout.results()).resolve()


def to_write_to(out: Path | None) -> Path:
    """Return the folder of :func:`of`; raise :class:`UsageError` for a name that is not UTF-8.

    The files of a run have such names in them.
    """
    folder = of(out)
    if not is_utf8(str(folder)):
        raise UsageError(
            f"The results folder {printable(str(folder))!r} has a name that is not UTF-8. Name"
            " another: --out DIR."
        )
    return folder


def check_writable(folder: Path) -> None:
    """Raise :class:`EnvironmentFailure` where nothing can be written, before minutes are spent.

    A checkout may be mounted read-only.
    """
    place = next((one for one in (folder, *folder.parents) if os.access(one, os.F_OK)), folder)
    # By the effective user, who writes.
    is_writable = os.access(place, os.W_OK | os.X_OK, effective_ids=True)
    if not is_writable or not place.is_dir():
        raise EnvironmentFailure(
            f"The results folder {folder} cannot be written: {place} cannot. Name another: --out"
            " DIR."
        )


def run_in(out: Path | None, name: str | None) -> Path:
    """Return the folder of a run by its path or id, by default of the latest one that has ended.

    Says on standard error that a later one is still going on.
    """
    results = of(out)
    going_on = machine_lock.measured_now()
    folder = run_search.find_run(results, name, going_on=going_on)
    if name is None and going_on is not None and going_on.parent == results:
        before = f" This is {folder.name}, the latest before it." if folder != going_on else ""
        click.echo(f"Run {going_on.name} is still going on.{before}", err=True)
    return folder


def command_line() -> str:
    """Return the command as a person would type it, without variables' values and secrets."""
    words = _without_secrets(sys.argv[1:])
    return shlex.join(("twofold", *map(printable, words)))


def _without_secrets(words: Iterable[str]) -> Iterator[str]:
    before = ""
    for word in words:
        option, equals, variable = word.partition("=")
        if before in HIDDEN_WHOLE:
            yield HIDDEN
        elif equals and option in HIDDEN_WHOLE:
            yield f"{option}={HIDDEN}"
        elif _is_hidden(before, word):
            yield _name_only(word)
        elif equals and _is_hidden(option, variable):
            yield f"{option}={_name_only(variable)}"
        else:  # a path, a request's line or a URL may have a query
            yield path_without_secrets(word)
        before = word


def _is_hidden(option: str, given: str) -> bool:
    """Return whether what an option is given must not be written down."""
    return option in WITH_SECRETS or (option == HEADER and is_secret(given.partition("=")[0]))


def _name_only(variable: str) -> str:
    name, equals, _ = variable.partition("=")
    return f"{name}{equals}{HIDDEN}" if equals else name
