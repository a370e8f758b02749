"""``twofold gate``: its options, and what it says."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from loadtests.cli.progress import LiveProgress, PlainProgress
from loadtests.gate import options, pipeline, result_files
from loadtests.gate.analysis import aa_noise, verdict
from loadtests.gate.analysis import history as merge_history
from loadtests.gate.model import GateResult
from loadtests.gate.report import aa_noise_text, terminal, verdict_json, wording
from loadtests.measurement.progress import Progress
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_YES
from loadtests.targets import checkout

SEEDS = 2**31
"""Seeds are drawn below this, so that a person can type one."""


@click.group(invoke_without_command=True)
@click.option("--base", metavar="VERSION", help="Image, git ref or path.  [default: merge base]")
@click.option("--head", metavar="VERSION", help="Image, git ref or path.  [default: working tree]")
@click.option("--workers", default="gthread", show_default=True, help="Worker models to compare.")
@click.option(
    "--workload",
    default="cpu",
    show_default=True,
    help="What a request does (cpu, io), or a path such as /search?q=a.",
)
@click.option(
    "--margin",
    type=float,
    default=options.MARGIN,
    show_default=True,
    help="Loss of throughput and of CPU per request that still passes; p50 and the doubling factor"
    " are allowed 2, p99 5 times as much.",
)
@click.option(
    "--max-minutes",
    type=float,
    default=options.MAX_MINUTES,
    show_default=True,
    help="Minutes of measuring, for each worker model.",
)
@click.option(
    "--scaling/--no-scaling", default=True, help="Compare the doubling factor too.  [default: yes]"
)
@click.option(
    "--base-env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for base; again for more.",
)
@click.option(
    "--head-env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for head: compare two settings of one version.",
)
@click.option("--seed", type=int, help="Repeat the order of an earlier gate.")
@click.option("--append", metavar="GATE", help="Add to the evidence of an earlier gate.")
@click.option("--judge", type=click.Path(path_type=Path), help="Judge a verdict.json again.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for results.  [default: results/]"
)
@click.option("--history", is_flag=True, help="Add it to history.jsonl in the results' folder.")
@click.option("--release", metavar="NAME", help="With --history: this version is a release.")
@click.option("--samples", is_flag=True, help="Keep every request's times too, in samples/.")
@click.option("--json", "as_json", is_flag=True, help="Write verdict.json to standard output.")
@click.pass_context
def gate(context: click.Context, /, **given: Any) -> int:
    """Did this change make it slower, or scale worse?

    Loads many fresh starts of base and head side by side. Exit codes: 0 passes or improved ·
    1 regressed · 2 usage · 3 cannot tell, or invalid · 4 environment.
    """
    if context.invoked_subcommand is not None:
        context.obj = given
        return 0
    if given["judge"] is not None:
        return _tell(verdict_json.judge(pipeline.read(given["judge"])), None, given)
    request = _request(given)
    progress = _progress()
    try:
        result, folder = pipeline.run(request, progress.say)
    finally:
        progress.close()
    if given["history"]:
        result_files.add_to_history(_results(given), result, release=given["release"])
    click.echo(result_files.tell_ci(result), err=True, nl=False)
    return _tell(result, folder, given)


@gate.command()
@click.option("--head", metavar="VERSION", help="Image, git ref or path.  [default: working tree]")
@click.option("--workers", default="gthread", show_default=True, help="The worker model to use.")
@click.option("--workload", default="cpu", show_default=True, help="cpu, io, or a path.")
@click.option("--margin", type=float, default=options.MARGIN, show_default=True, help="To be held.")
@click.option(
    "--max-minutes",
    type=float,
    default=options.MAX_MINUTES,
    show_default=True,
    help="Minutes of measuring that a gate may take.",
)
@click.option("--seed", type=int, help="Repeat the order of an earlier one.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for results.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def calibrate(**given: Any) -> int:
    """What can a gate see on this machine?

    Measures one version against itself, each start several times: how much windows and starts
    differ, how many starts a gate needs, and the smallest loss that it would see. Exit code 3 where
    the margins cannot be held.
    """
    version = given["head"] or "."
    none: dict[str, Any] = {
        "base_env": (),
        "head_env": (),
        "append": None,
        "scaling": False,
        "samples": False,
    }
    request = _request({**given, "base": version, "head": version, **none})
    progress = _progress()
    try:
        result, folder = pipeline.run(replace(request, calibrate=True), progress.say)
    finally:
        progress.close()
    found = aa_noise.calibrate(result.plan, result.evidence)
    if given["as_json"]:
        click.echo(aa_noise_text.render_json(found), nl=False)
    else:
        Console().print(aa_noise_text.render(found))
    click.echo(f"Figures: {folder / result_files.VERDICT}", err=True)
    return EXIT_YES if found.holds else EXIT_CANNOT_TELL


@gate.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--csv", "as_csv", is_flag=True, help="Write head's figures as CSV, as Otava reads.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def history(as_csv: bool, as_json: bool, **given: Any) -> int:  # noqa: FBT001  click's way
    """What do the changes since the last release add up to?"""
    merges = result_files.read_history(_results(given))
    recent = merge_history.since_release(merges)
    total = merge_history.total(recent)
    if as_csv:
        click.echo(merge_history.table(merges), nl=False)
    elif as_json:
        click.echo(json.dumps({"merges": len(recent), "total": total}))
    else:
        click.echo(f"{len(recent)} merges since the last release; together:")
        for name, change in total.items():
            click.echo(f"  {name:32} {wording.signed(change)} %")
    return EXIT_YES


def _request(given: dict[str, Any]) -> pipeline.GateRequest:
    append = pipeline.find(_results(given), given["append"]) if given["append"] else None
    seed = secrets.randbelow(SEEDS) if given["seed"] is None else given["seed"]
    return pipeline.GateRequest(
        options=options.check(
            options.GateOptions(
                base=given["base"],
                head=given["head"],
                workers=tuple(word for word in given["workers"].split(",") if word),
                workload=given["workload"],
                margin=given["margin"],
                max_minutes=given["max_minutes"],
                scaling=given["scaling"],
                base_environment=options.environment(given["base_env"], "--base-env"),
                head_environment=options.environment(given["head_env"], "--head-env"),
            )
        ),
        seed=seed,
        root=checkout.root(),
        here=Path.cwd(),
        results=_results(given),
        command=shlex.join(("twofold", *sys.argv[1:])),
        append=append,
        keep_samples=given["samples"],
    )


def _results(given: dict[str, Any]) -> Path:
    out: Path | None = given["out"]
    return out if out is not None else checkout.results()


def _progress() -> Progress:
    console = Console(stderr=True)
    return LiveProgress(console) if console.is_terminal else PlainProgress(sys.stderr)


def _tell(result: GateResult, folder: Path | None, given: dict[str, Any]) -> int:
    if given["as_json"]:
        click.echo(verdict_json.render(result), nl=False)
    else:
        Console().print(terminal.render(result))
    if folder is not None:
        click.echo(f"Report: {folder / result_files.REPORT}", err=True)
    return verdict.EXIT_CODES[result.verdict]
