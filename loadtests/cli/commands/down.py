"""``twofold down``: remove what runs have left."""

from __future__ import annotations

from functools import partial

import click

from loadtests.cli.parameters import json_option
from loadtests.model import errors


@click.command("down")
@json_option
def command(*, as_json: bool) -> int:
    """Remove everything that runs have left behind.

    Containers, networks, volumes and processes of every backend; also those of a run that goes on.
    """
    import json

    from loadtests.environments import registry

    removed = registry.remove_leftovers(partial(click.echo, err=True))
    if as_json:
        click.echo(json.dumps({"removed_runs": removed}))
    else:
        click.echo(f"Removed what {removed} runs had left.")
    return errors.EXIT_YES
