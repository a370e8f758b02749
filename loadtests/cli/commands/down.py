"""``twofold down``: remove what runs have left."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from loadtests.cli.parameters import json_option
from loadtests.model import errors
from loadtests.tools import signals

if TYPE_CHECKING:
    from loadtests.environments.protocol import Say
    from loadtests.environments.removal import Remains


@click.command("down")
@click.option("--all", "living", is_flag=True, help="Also end runs that may still be active.")
@click.option("--yes", is_flag=True, help="With --all: do not ask first.")
@json_option
def command(*, living: bool, yes: bool, as_json: bool) -> int:
    """Remove what dead runs have left on this machine.

    This includes Compose containers, networks and volumes, and processes with their folders. A
    deployment that a dead run scaled gets the number of replicas back that it had.

    An engine that does not answer is a failure: nobody knows what is left there.
    """
    from loadtests.environments import registry, removal

    say = partial(click.echo, err=True)
    with registry.remains(say) as listed:
        selected = [run for run in listed.runs if living or not run.living]
        if not yes:
            _ask(selected, say)
        removed = removal.remove(selected, say)
    failures = (*listed.failures, *removed.failures)
    for failure in failures:
        say(failure)
    _tell(removed.runs, failures, kept=len(listed.runs) - len(selected), as_json=as_json)
    return errors.EXIT_ENVIRONMENT if failures else errors.EXIT_YES


def _ask(selected: Sequence[Remains], say: Say) -> None:
    """Ask before ending runs that may be active; raise without confirmation."""
    active = [run.name for run in selected if run.living]
    if not active:
        return
    say("These runs may still be active:\n  " + "\n  ".join(active))
    if sys.stdin is None or not sys.stdin.isatty():  # it is None where it is closed
        raise errors.UsageError("There is no terminal to ask on. To end them too, add --yes.")
    with signals.interruptible():
        click.confirm("End them all?", abort=True, err=True)


def _tell(runs: int, failures: Sequence[str], *, kept: int, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps({"removed_runs": runs, "failures": failures}))
        return
    click.echo(f"Removed what {_runs(runs)} had left.")
    if kept:
        them = "it" if kept == 1 else "them"
        click.echo(f"{_runs(kept)} may still be active: `twofold down --all` ends {them} too.")


def _runs(number: int) -> str:
    return f"{number} run{'s' * (number != 1)}"
