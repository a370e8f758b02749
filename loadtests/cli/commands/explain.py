"""``twofold explain``: say where the requests of a run spend their time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model.errors import EXIT_YES, UsageError

if TYPE_CHECKING:
    from loadtests.model.result import RunResult


@click.command("explain")
@run_argument
@out_option
@json_option
def command(*, name: str | None, out: Path | None, as_json: bool) -> int:
    """Say where requests wait, down to the line of code; the latest run is the default."""
    from loadtests import pipeline
    from loadtests.model.tested.target import TargetKind
    from loadtests.report.text import explanation, profiles
    from loadtests.results import run_folder, strange_values

    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        result = pipeline.conclude(run_folder.read(folder))
        if not result.profiles.cells and result.plan.tested.kind is TargetKind.URL:
            raise UsageError(f"Run {folder.name} has no profiles. {profiles.OF_A_URL}")
        if not result.profiles.cells:
            raise UsageError(
                f"Run {folder.name} has no profiles. Measure again with `twofold run --profile`"
                " (a run without --quick has them)."
            )
        output.tell(
            as_json=as_json,
            document=lambda: _document(result),
            text=lambda: explanation.render(result, stacks=str(folder / run_folder.STACKS)),
        )
    return EXIT_YES


def _document(result: RunResult) -> str:
    from pydantic import TypeAdapter

    from loadtests.model.profiles.results import Profiles

    return TypeAdapter(Profiles).dump_json(result.profiles, indent=1).decode() + "\n"
