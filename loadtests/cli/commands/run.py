"""``twofold run``: measure, and report the result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, wait_option
from loadtests.cli.run_options import decide, run_options
from loadtests.cli.until import doubling

if TYPE_CHECKING:
    from loadtests.cli.run_options import Decision
    from loadtests.model.result import RunResult


@click.command("run")
@run_options
@click.option(
    "--until",
    is_flag=True,
    help="Double the replicas, beginning with 1, for as long as that scales; one variant.",
)
@click.option(
    "--for-rps",
    type=float,
    metavar="RATE",
    help="Find how many replicas serve this many requests/s; implies --until.",
)
@wait_option
@json_option
def command(*, wait: bool, as_json: bool, until: bool, for_rps: float | None, **given: Any) -> int:
    """Measure whether throughput doubles when servers double."""
    from loadtests.analysis import verdict
    from loadtests.cli import run_result

    if until or for_rps is not None:
        return _how_far(given, wait=wait, as_json=as_json, for_rps=for_rps)
    result, folder = _measure(decide(given), wait=wait)
    run_result.tell(result, folder, as_json=as_json)
    return verdict.exit_code(result.verdict)


def _measure(decision: Decision, *, wait: bool) -> tuple[RunResult, Path]:
    from loadtests import pipeline
    from loadtests.cli.progress import open_progress

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
        return pipeline.run(request, progress)


def _how_far(given: dict[str, Any], *, wait: bool, as_json: bool, for_rps: float | None) -> int:
    from loadtests.analysis import until

    doubling.check(given, for_rps)
    answer = doubling.search(
        given,
        decide=decide,
        measure=lambda decision: _measure(decision, wait=wait)[0],
        for_rps=for_rps,
    )
    output.tell(
        as_json=as_json, document=lambda: doubling.document(answer), text=lambda: answer.sentence
    )
    return until.exit_code(answer)
