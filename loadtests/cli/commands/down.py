"""``twofold down``: remove what runs have left."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from loadtests.cli.parameters import json_option
from loadtests.model import errors

if TYPE_CHECKING:
    from loadtests.environments.protocol import Say
    from loadtests.environments.removal import Remains, Removed


@click.command("down")
@click.option("--all", "living", is_flag=True, help="Also end runs that may still be going on.")
@click.option("--yes", is_flag=True, help="With --all: do not ask first.")
@json_option
def command(*, living: bool, yes: bool, as_json: bool) -> int:
    """Remove what dead runs have left on this machine.

    Containers, networks and volumes of Compose, processes and their folders.
    """
    from loadtests.environments import registry, removal

    say = partial(click.echo, err=True)
    with registry.remains(say) as every:
        chosen = [run for run in every if living or not run.living]
        if not yes:
            _ask(chosen, say)
        removed = removal.remove(chosen, say)
    for failure in removed.failures:
        say(failure)
    _tell(removed, kept=len(every) - len(chosen), as_json=as_json)
    return errors.EXIT_ENVIRONMENT if removed.failures else errors.EXIT_YES


def _ask(chosen: Sequence[Remains], say: Say) -> None:
    """Ask before a run is ended that may go on; raise where nobody agrees."""
    going_on = [run.name for run in chosen if run.living]
    if not going_on:
        return
    say("These runs may still be going on:\n  " + "\n  ".join(going_on))
    if not sys.stdin.isatty():
        raise errors.UsageError("Nobody can be asked here. To end them too, add --yes.")
    click.confirm("End them all?", abort=True, err=True)


def _tell(removed: Removed, *, kept: int, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps({"removed_runs": removed.runs, "failures": removed.failures}))
        return
    click.echo(f"Removed what {removed.runs} runs had left.")
    if kept:
        click.echo(f"{kept} runs may still be going on: `twofold down --all` ends them too.")
