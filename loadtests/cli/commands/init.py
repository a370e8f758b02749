"""``twofold init``: look around, and write a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import target_options
from loadtests.cli.parameters import json_option
from loadtests.model import errors
from loadtests.targets import registry
from loadtests.targets.configuration import project_file

if TYPE_CHECKING:
    from loadtests.model.tested.surroundings import Surroundings

FILE = "twofold.toml"


@click.command("init")
@click.argument("given_target", metavar="[TARGET]", required=False)
@click.option("--force", is_flag=True, help=f"Write over a {FILE} that is there.")
@click.option(
    "--ask/--no-ask",
    default=True,
    help="Ask each route that needs no parameter once, inside a child process.  [default: yes]",
)
@click.option(
    "--env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for the application's import. Repeatable.",
)
@click.option("--python", metavar="PROGRAM", help="The Python that imports the application.")
@json_option
def command(
    *,
    given_target: str | None,
    force: bool,
    ask: bool,
    env: tuple[str, ...],
    python: str | None,
    as_json: bool,
) -> int:
    """Look around in this folder, and write a configuration that runs as it is.

    A Flask application is imported in a child process, to list its routes. Nothing else is started.
    TARGET names what is tested, in any form of 'twofold run'; without it, the likeliest is taken.
    """
    from loadtests.report.text import configuration
    from loadtests.targets.discovery import looking

    here = Path.cwd()
    _check_free(here, force=force)
    variables = target_options.variables(env)
    target = None if given_target is None else registry.recognise(given_target, here)
    found = looking.look(here, target, python=python, env=variables, ask=ask)
    _write(here / FILE, configuration.render(found))
    if as_json:
        click.echo(_document(found))
    else:
        click.echo(configuration.summary(found, FILE))
    return errors.EXIT_YES


def _check_free(here: Path, *, force: bool) -> None:
    """Raise where a configuration is there already."""
    file = project_file.configured_by(here)
    if file is not None and not (force and file == FILE):
        way_out = "Write over it: twofold init --force." if file == FILE else "Change it there."
        raise errors.UsageError(f"{file} configures Twofold already. {way_out}")


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise errors.UsageError(
            f"{path} cannot be written ({error.strerror}). Check the folder's permissions."
        ) from error


def _document(found: Surroundings) -> str:
    import json
    from dataclasses import asdict

    document: dict[str, Any] = {"file": FILE, **asdict(found)}
    return json.dumps(document, indent=1, ensure_ascii=False)
