"""``twofold run``: measure, and report the result."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, wait_option
from loadtests.cli.run_options import decide, run_options
from loadtests.cli.until import doubling
from loadtests.model.errors import AS_IT_STARTS, NotInForce
from loadtests.targets import plain

if TYPE_CHECKING:
    from loadtests.cli.run_options import Decision
    from loadtests.measurement.progress import Progress
    from loadtests.model.result import RunResult
    from loadtests.pipeline import Request


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
    result, folder = _measure(decide(given), given, wait=wait)
    run_result.tell_ci(result)
    run_result.tell(result, folder, as_json=as_json)
    return verdict.exit_code(result.verdict)


def _measure(decision: Decision, given: dict[str, Any], *, wait: bool) -> tuple[RunResult, Path]:
    """Run a plan; the image as it starts where what the plan says cannot be put into force."""
    from loadtests import pipeline
    from loadtests.cli.progress import open_progress

    with open_progress() as progress:
        request = _request(decision, progress, wait=wait)
        try:
            return pipeline.run(request, progress)
        except NotInForce as error:
            why = _why(error)
            progress.say(why)
            request = _request(as_it_starts(given, request.plan.seed), progress, wait=wait)
            plan = pipeline.with_notes(request.plan, (why,))
            return pipeline.run(replace(request, plan=plan), progress)


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


def _how_far(given: dict[str, Any], *, wait: bool, as_json: bool, for_rps: float | None) -> int:
    from loadtests.analysis import until
    from loadtests.cli import run_result

    doubling.check(given, for_rps)

    def measure(decision: Decision) -> RunResult:
        step = doubling.of_step(given, decision.plan.replica_counts)
        return _measure(decision, step, wait=wait)[0]

    answer = doubling.search(
        given, decide=decide, measure=measure, for_rps=for_rps, tell=partial(click.echo, err=True)
    )
    run_result.tell_ci_how_far(answer)
    output.tell(
        as_json=as_json, document=lambda: doubling.document(answer), text=lambda: answer.sentence
    )
    return until.exit_code(answer)
