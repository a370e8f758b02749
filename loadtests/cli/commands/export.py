"""``twofold export``: write the samples of a run for other tools."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loadtests.cli import results_folder
from loadtests.cli.output import raw
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model import errors
from loadtests.results import export as export_files
from loadtests.tools import signals


@click.command("export")
@run_argument
@out_option
@click.option(
    "--samples",
    "kind",
    type=click.Choice(export_files.FORMATS),
    default="csv",
    show_default=True,
    help="Format of the samples, a row for each request; parquet needs twofold[parquet].",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=None,
    help="File to write; - is standard output (csv).  [default: samples.csv of the run]",
)
@json_option
@signals.interruptible()
def command(
    *, name: str | None, out: Path | None, kind: str, output: Path | None, as_json: bool
) -> int:
    """Write all requests of a run to a file, for other tools.

    The latest run is the default.
    """
    from loadtests.results import strange_values

    to_stdout = str(output) == "-"
    if to_stdout and (as_json or kind != "csv"):
        raise errors.UsageError(
            "--output - writes CSV to standard output, so it cannot be combined with --json or"
            " --samples parquet. Name a file: --output FILE."
        )
    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        if to_stdout:
            exported = export_files.to_stream(folder, raw(sys.stdout))
        else:
            exported = export_files.to_file(folder, kind, output)
    _tell(exported, to_stdout=to_stdout, as_json=as_json)
    return errors.EXIT_YES


def _tell(exported: export_files.Exported, *, to_stdout: bool, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if exported.unnamed:
        click.echo(
            f"{exported.unnamed} of {exported.trials} trials were saved without names: their"
            " columns outcome, replica and name are empty.",
            err=True,
        )
    if as_json:
        click.echo(json.dumps(asdict(exported)))
    else:
        destination = "standard output" if to_stdout else exported.file
        click.echo(
            f"{exported.rows:,} requests of {exported.trials} trials: {destination}", err=to_stdout
        )
