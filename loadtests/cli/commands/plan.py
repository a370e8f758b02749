"""``twofold plan``: print what a run would do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli.parameters import json_option
from loadtests.cli.run_options import decide, run_options
from loadtests.model import errors

if TYPE_CHECKING:
    from loadtests.model.plan import Plan
    from loadtests.model.result import RunResult

MOST_LOOKED_AT = 20
"""How many of the latest runs are looked through for one of the same target and load."""


@click.command("plan")
@run_options
@json_option
def command(*, as_json: bool, **given: Any) -> int:
    """Print what a run would do; start nothing."""
    from loadtests.report.text import plan as plan_text

    decision = decide(given)
    file_notes = _read_locustfiles(decision.plan)
    plan = plan_text.with_ceiling(decision.plan, _last_run(decision.results, decision.plan))
    plan = replace(plan, notes=(*plan.notes, *file_notes))
    if as_json:
        from pydantic import TypeAdapter

        from loadtests.model.plan import Plan

        click.echo(TypeAdapter(Plan).dump_json(plan, indent=1).decode())
    else:
        click.echo(plan_text.render(plan, decision.chosen.machine, decision.chosen.why))
    return errors.EXIT_YES


def _read_locustfiles(plan: Plan) -> tuple[str, ...]:
    """Return notes on the locustfiles; raise for what makes one unusable."""
    if all(workload.locustfile is None for workload in plan.workloads):
        return ()
    from loadtests.measurement import check_trial

    return check_trial.read_plan(plan)


def _last_run(results: Path, plan: Plan) -> RunResult | None:
    """Return the latest run of the same target and load that can be read, or None."""
    from loadtests.results import run_search

    folders = run_search.newest_first(results)[:MOST_LOOKED_AT]
    if not folders:
        return None
    from loadtests import pipeline
    from loadtests.results import run_folder, strange_values

    for folder in folders:
        with suppress(errors.UsageError), strange_values.refused(folder):
            recorded = run_folder.read(folder)
            if _what_is_loaded(recorded.plan) == _what_is_loaded(plan):
                return pipeline.conclude(recorded)
    return None


def _what_is_loaded(plan: Plan) -> tuple[object, ...]:
    """Return what makes two runs comparable: the backend, the target and the load, as written."""
    from pydantic import TypeAdapter

    from loadtests.model.tested.workload import Workload

    tested = plan.tested
    return (
        plan.backend,
        tested.kind,
        tested.given,
        tested.folder,
        tested.through,
        TypeAdapter(tuple[Workload, ...]).dump_json(plan.workloads),
    )
