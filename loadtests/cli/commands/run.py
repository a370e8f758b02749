"""``twofold run``: measure, and report the result."""

from __future__ import annotations

from typing import Any

import click

from loadtests.cli import results_folder
from loadtests.cli.parameters import json_option, wait_option
from loadtests.cli.run_options import decide, run_options


@click.command("run")
@run_options
@wait_option
@json_option
def command(*, wait: bool, as_json: bool, **given: Any) -> int:
    """Measure whether throughput doubles when servers double."""
    from loadtests import pipeline
    from loadtests.analysis import verdict
    from loadtests.cli import run_result
    from loadtests.cli.progress import open_progress

    decision = decide(given)
    request = pipeline.Request(
        plan=decision.plan,
        chosen=decision.chosen,
        results=decision.results,
        command=results_folder.command_line(),
        wait=wait,
    )
    with open_progress() as progress:
        progress.say(f"Backend {request.plan.backend}: {request.chosen.why}")
        for note in (*request.plan.notes, *request.plan.tested.notes):
            progress.say(note)
        result, folder = pipeline.run(request, progress)
    run_result.tell(result, folder, as_json=as_json)
    return verdict.exit_code(result.verdict)
