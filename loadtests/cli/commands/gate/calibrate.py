"""``twofold gate calibrate``: find out what a gate can detect on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from loadtests.cli import output
from loadtests.cli.commands.gate import gate_request
from loadtests.cli.parameters import json_option, out_option, wait_option
from loadtests.gate import options
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_YES

NOT_OF_A_CALIBRATION: dict[str, Any] = {
    "base_env": (),
    "head_env": (),
    "append": None,
    "base_image": None,
    "head_image": None,
    "variants": (),
    "scaling": False,
    "profile": False,
    "samples": False,
}
"""Options of a gate that a calibration lacks, with their values."""


@click.command("calibrate")
@gate_request.head_option
@gate_request.own_target
@gate_request.workers_option
@gate_request.workload_option
@click.option(
    "--margin",
    type=float,
    default=options.MARGIN,
    show_default=True,
    help="Loss that a gate has to detect.",
)
@click.option(
    "--max-minutes",
    type=float,
    default=options.MAX_MINUTES,
    show_default=True,
    help="Measuring time of a gate, in minutes.",
)
@click.option("--seed", type=int, help="Repeat the order of an earlier calibration.")
@wait_option
@out_option
@json_option
def command(**given: Any) -> int:
    """What can a gate detect on this machine?

    Compares one version with itself, and measures each start several times. Reports how much
    windows and starts vary, how many starts a gate needs, and the smallest loss that it detects.
    Exit code 3 if the time is too short for the margins.
    """
    from loadtests.cli.progress import open_progress
    from loadtests.gate import pipeline, result_files
    from loadtests.gate.analysis import aa_noise
    from loadtests.gate.report import aa_noise_text

    version = given["head"] or "."
    request = gate_request.request(
        {**given, "base": version, "head": version, **NOT_OF_A_CALIBRATION}
    )
    with open_progress() as progress:
        result, folder = pipeline.run(replace(request, calibrate=True), progress.say)
    noise = aa_noise.calibrate(result.plan, result.evidence)
    with output.result_in(folder):
        output.tell(
            as_json=given["as_json"],
            document=lambda: aa_noise_text.render_json(noise),
            text=lambda: aa_noise_text.render(noise),
        )
    click.echo(f"Figures: {folder / result_files.VERDICT}", err=True)
    return EXIT_YES if noise.holds else EXIT_CANNOT_TELL
