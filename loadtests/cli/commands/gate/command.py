"""``twofold gate``: compare two versions, and report the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import output
from loadtests.cli.commands.gate import gate_request
from loadtests.cli.group import LazyGroup
from loadtests.cli.parameters import out_option, wait_option
from loadtests.cli.registry import GATE_COMMANDS
from loadtests.gate import options
from loadtests.tools import signals

if TYPE_CHECKING:
    from loadtests.gate.model.result import GateResult


@click.group(cls=LazyGroup, entries=GATE_COMMANDS, invoke_without_command=True)
@click.option("--base", metavar="VERSION", help="Image, git ref or path.  [default: merge base]")
@gate_request.head_option
@click.option("--base-image", metavar="IMAGE", help="Compare with this image; see --base.")
@click.option("--head-image", metavar="IMAGE", help="Compare this image; see --head.")
@gate_request.own_target
@gate_request.workers_option
@gate_request.variants_option
@gate_request.workload_option
@click.option(
    "--margin",
    type=float,
    help="Loss of throughput or CPU per request that still passes; twice that for p50 and the"
    f" doubling factor, five times for p99.  [default: {options.MARGIN}]",
)
@click.option(
    "--max-minutes",
    type=float,
    help=f"Measuring time per worker model, in minutes.  [default: {options.MAX_MINUTES}]",
)
@click.option(
    "--scaling/--no-scaling",
    default=None,
    help="Compare the doubling factor too.  [default: yes]",
)
@click.option(
    "--profile/--no-profile",
    default=None,
    help="Name the functions whose CPU per request changed; half a minute."
    "  [default: where something changed]",
)
@click.option(
    "--base-env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for base; may be repeated.",
)
@click.option(
    "--head-env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for head, to compare two settings of one version.",
)
@click.option("--seed", type=int, help="Repeat the order of an earlier gate.")
@click.option("--append", metavar="GATE", help="Add to the evidence of an earlier gate.")
@click.option("--judge", type=click.Path(path_type=Path), help="Judge a verdict.json again.")
@wait_option
@out_option
@click.option(
    "--history",
    is_flag=True,
    default=None,
    help="Add the gate to history.jsonl in the results folder.",
)
@click.option("--release", metavar="NAME", help="With --history: this version is a release.")
@click.option("--samples", is_flag=True, help="Save the times of all requests in samples/.")
@click.option("--json", "as_json", is_flag=True, help="Write verdict.json to standard output.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Did this change make the application slower, or scale worse?

    Loads many fresh starts of base and head side by side. Exit codes: 0 passes or improved ·
    1 regressed · 2 usage · 3 cannot tell, or invalid · 4 environment.
    """
    return 0 if context.invoked_subcommand is not None else _compare(given)


def _compare(given: dict[str, Any]) -> int:
    from loadtests.cli.progress import open_progress
    from loadtests.gate import pipeline, result_files
    from loadtests.gate.report import verdict_json
    from loadtests.results import strange_values

    if given["judge"] is not None:
        with signals.interruptible(), strange_values.refused(given["judge"]):
            return _tell(verdict_json.judge(result_files.read(given["judge"])), None, given)
    request = gate_request.request(given)
    in_history = gate_request.history(given)  # now: the file may change while a gate measures
    with open_progress() as progress:
        result, folder = pipeline.run(request, progress.say)
    try:
        output.write_document(result_files.tell_ci(result), err=True)
        return _tell(result, folder, given)
    finally:  # a history that cannot be written takes no answer away
        if in_history:
            earlier = request.append.facts.gate_id if request.append else None
            result_files.add_to_history(
                request.results, result, release=given["release"], continues=earlier
            )


def _tell(result: GateResult, folder: Path | None, given: dict[str, Any]) -> int:
    from loadtests.gate import result_files
    from loadtests.gate.analysis import verdict
    from loadtests.gate.report import terminal, verdict_json

    with output.result_in(folder):
        output.tell(
            as_json=given["as_json"],
            document=lambda: verdict_json.render(result),
            text=lambda: terminal.render(result),
        )
    if folder is not None:
        click.echo(f"Report: {folder / result_files.REPORT}", err=True)
    return verdict.EXIT_CODES[result.verdict]
