"""``twofold compare``: compare the worker models of a run."""

from __future__ import annotations

from pathlib import Path

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model import errors
from loadtests.servers.registry import default_models
from loadtests.tools import signals


@click.command("compare")
@run_argument
@out_option
@json_option
@signals.interruptible()
def command(*, name: str | None, out: Path | None, as_json: bool) -> int:
    """Compare the worker models of a run; the latest run is the default.

    Exit codes: 0 at least one pair can be compared · 3 none can.
    """
    from loadtests import pipeline
    from loadtests.report.formats import run_json, terminal
    from loadtests.report.text import comparison
    from loadtests.results import strange_values

    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        result, _ = pipeline.read(folder)
    if not result.comparisons:
        raise errors.UsageError(
            f"Run {result.facts.run_id} has one worker model, so there is nothing to compare."
            f" Measure several: twofold run --workers {','.join(default_models())}."
        )
    with strange_values.refused(folder):
        output.tell(
            as_json=as_json,
            document=lambda: run_json.render(result),
            text=lambda: terminal.compare(result),
        )
    comparable = any(pair.ratio.low is not None for pair in comparison.trusted(result))
    return errors.EXIT_YES if comparable else errors.EXIT_CANNOT_TELL
