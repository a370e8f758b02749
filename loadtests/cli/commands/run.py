"""``twofold run``: measure, and report the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import results_folder
from loadtests.cli.parameters import json_option, wait_option
from loadtests.cli.run_options import Decision, decide, run_options
from loadtests.model.errors import AS_IT_STARTS, NotInForce
from loadtests.targets import plain

if TYPE_CHECKING:
    from loadtests.measurement.progress import Progress
    from loadtests.pipeline import Request


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

    with open_progress() as progress:
        request = _request(decide(given), progress, wait=wait)
        try:
            result, folder = pipeline.run(request, progress)
        except NotInForce as error:
            why = _why(error)
            progress.say(why)
            request = _request(as_it_starts(given, request.plan.seed), progress, wait=wait)
            plan = pipeline.with_notes(request.plan, (why,))
            result, folder = pipeline.run(replace(request, plan=plan), progress)
    run_result.tell(result, folder, as_json=as_json)
    return verdict.exit_code(result.verdict)


def _request(decision: Decision, progress: Progress, *, wait: bool) -> Request:
    from loadtests import pipeline

    request = pipeline.Request(
        plan=decision.plan,
        chosen=decision.chosen,
        results=decision.results,
        command=results_folder.command_line(),
        wait=wait,
    )
    progress.say(f"Backend {request.plan.backend}: {request.chosen.why}")
    for note in (*request.plan.notes, *request.plan.tested.notes):
        progress.say(note)
    return request


def _why(error: NotInForce) -> str:
    cause = str(error).removesuffix(AS_IT_STARTS).strip()
    return f"{cause} So the image is measured as it starts."


def as_it_starts(given: dict[str, Any], seed: int) -> Decision:
    """Return the same run with the image as it starts itself."""
    return decide({**given, "workers": (plain.AS_STARTED,), "seed": seed})
