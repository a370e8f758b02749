"""``twofold gate history``: report the total change since the last release."""

from __future__ import annotations

from pathlib import Path

import click

from loadtests.cli import results_folder
from loadtests.cli.parameters import json_option, out_option
from loadtests.model.errors import EXIT_YES
from loadtests.tools import signals


@click.command("history")
@out_option
@click.option("--csv", "as_csv", is_flag=True, help="Write head's figures as CSV for Otava.")
@json_option
@signals.interruptible()
def command(*, out: Path | None, as_csv: bool, as_json: bool) -> int:
    """How much did performance change since the last release?"""
    import json

    from loadtests.gate import result_files
    from loadtests.gate.analysis import history
    from loadtests.gate.report import wording
    from loadtests.results import strange_values

    results = results_folder.of(out)
    merges = result_files.read_history(results)
    recent = history.since_release(merges)
    with strange_values.refused(results / result_files.HISTORY):
        total = history.total(recent)
    counted = history.decided(recent)
    left_out = len(recent) - len(counted)
    if as_csv:
        click.echo(history.table(merges), nl=False)
    elif as_json:
        document = {"merges": len(counted), "left_out": left_out, "total": total}
        click.echo(json.dumps(document))
    else:
        click.echo(f"{len(counted)} merges since the last release; total change:")
        for name, change in total.items():
            click.echo(f"  {name:32} {wording.signed(change)} %")
        if left_out:
            click.echo(f"Left out, as they could not tell or were invalid: {left_out}.")
    return EXIT_YES
