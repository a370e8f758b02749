"""``twofold report``: write the reports of a run again."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model.errors import UsageError
from loadtests.report.formats.registry import FORMATS, REPORT
from loadtests.tools import signals

if TYPE_CHECKING:
    from loadtests.model.result import RunResult
    from loadtests.model.trial import Trial


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
@signals.interruptible()
def command(
    *, name: str | None, out: Path | None, kind: str | None, show: bool, as_json: bool
) -> int:
    """Write the report of a run again; the latest run is the default.

    An interrupted run has a report of its finished trials. The run of somebody else is reported
    without writing into its folder.
    """
    from loadtests import pipeline
    from loadtests.analysis import verdict
    from loadtests.cli import run_result
    from loadtests.results import report_files, run_folder, strange_values

    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        result, trials = pipeline.read(folder)
        is_written = _may_write(folder)
        if is_written:
            report_files.write_all(run_folder.Store(folder), result, trials)
        else:
            click.echo(
                f"The files in {folder} stay as they are: you may not write there.", err=True
            )
        if kind is not None:
            output.write_document(_rendered(kind, result, trials))
        else:
            run_result.tell(result, folder, as_json=as_json, has_report=is_written)
    if show:
        _open((folder / REPORT).resolve())
    return verdict.exit_code(result.verdict)


def _may_write(folder: Path) -> bool:
    """Return whether this user may write files into a folder."""
    is_effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective)


def _rendered(kind: str, result: RunResult, trials: Sequence[Trial]) -> str:
    text = FORMATS[kind].render(result, trials)
    if not text:
        raise UsageError(
            f"Run {result.facts.run_id} has no data for {kind}. Measure latency with"
            " `twofold run --latency`, and capacity under an objective with `--slo p99=250ms`."
        )
    return text


def _open(page: Path) -> None:
    if not page.exists():
        click.echo(f"There is no {page} to open.", err=True)
    elif not webbrowser.open(page.as_uri()):
        click.echo(f"There is no browser here. Open {page} in one.", err=True)
