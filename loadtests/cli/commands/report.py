"""``twofold report``: write the reports of a run again."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model.errors import UsageError
from loadtests.report.formats.registry import FORMATS, REPORT


@click.command("report")
@run_argument
@out_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(tuple(FORMATS)),
    default=None,
    help="Write this format to standard output instead.",
)
@click.option("--open", "show", is_flag=True, help="Open report.html in the browser.")
@json_option
def command(
    *, name: str | None, out: Path | None, kind: str | None, show: bool, as_json: bool
) -> int:
    """Write the report of a run again; the latest run is the default.

    An interrupted run has a report of its finished trials.
    """
    from loadtests import pipeline
    from loadtests.analysis import verdict
    from loadtests.cli import run_result
    from loadtests.results import run_folder, strange_values

    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        result = pipeline.report(run_folder.Store(folder))
        if kind is not None:
            output.write_document(_written(folder, kind))
        else:
            run_result.tell(result, folder, as_json=as_json)
    if show:
        page = (folder / REPORT).resolve()
        if not webbrowser.open(page.as_uri()):
            click.echo(f"There is no browser here. Open {page} in one.", err=True)
    return verdict.exit_code(result.verdict)


def _written(folder: Path, kind: str) -> str:
    path = folder / FORMATS[kind].file
    if not path.exists():
        raise UsageError(
            f"Run {folder.name} has no data for {kind}. Measure latency with"
            " `twofold run --latency`, and capacity under an objective with `--slo p99=250ms`."
        )
    return path.read_text()
