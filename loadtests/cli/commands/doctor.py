"""``twofold doctor``: report what this machine can test."""

from __future__ import annotations

import click

from loadtests.cli import results_folder
from loadtests.cli.parameters import json_option
from loadtests.model import errors


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> int:
    """Report what this machine can test, and how to get what is missing."""
    from loadtests.environments import machine_survey, registry
    from loadtests.planning.machine_check import examine
    from loadtests.report.text import doctor as doctor_text

    report = examine(machine_survey.survey(results_folder.of(None)), registry.examine())
    click.echo(doctor_text.render_json(report) if as_json else doctor_text.render(report))
    return errors.EXIT_YES if report.ready else errors.EXIT_ENVIRONMENT
