"""``twofold plan``: print what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli.parameters import json_option
from loadtests.cli.run_options import decide, run_options
from loadtests.model import errors

if TYPE_CHECKING:
    from loadtests.model.result import RunResult


@click.command("plan")
@run_options
@json_option
def command(*, as_json: bool, **given: Any) -> int:
    """Print what a run would do; start nothing."""
    from loadtests.report.text import plan as plan_text

    decision = decide(given)
    plan = plan_text.with_ceiling(decision.plan, _last_run(decision.results))
    if as_json:
        from pydantic import TypeAdapter

        from loadtests.model.plan import Plan

        click.echo(TypeAdapter(Plan).dump_json(plan, indent=1).decode())
    else:
        click.echo(plan_text.render(plan, decision.chosen.machine, decision.chosen.why))
    return errors.EXIT_YES


def _last_run(results: Path) -> RunResult | None:
    """Return the latest run in a results folder, or None if no run can be read."""
    from loadtests.results import run_search

    try:
        folder = run_search.find_run(results, None)
        from loadtests import pipeline
        from loadtests.results import run_folder, strange_values

        with strange_values.refused(folder):
            return pipeline.conclude(run_folder.read(folder))
    except errors.UsageError:
        return None
