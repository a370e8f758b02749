"""Turns errors into messages and exit codes; the only place that does."""

from __future__ import annotations

import sys

import click

from loadtests.cli.app import cli
from loadtests.model import errors
from loadtests.tools import signals


def main() -> None:
    """Run the command line, and exit with its exit code."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """Run a command and return its exit code; each failure is one message on standard error."""
    try:
        with signals.handled():
            return int(cli.main(arguments, prog_name="twofold", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return errors.EXIT_USAGE
    except errors.Interrupted as error:
        click.echo(f"twofold: {error}", err=True)
        return 128 + error.signum
    except errors.TwofoldError as error:
        click.echo(f"twofold: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except SystemExit:  # Click and rich raise it if the output is closed; this is no verdict
        return errors.EXIT_ENVIRONMENT
    except Exception:  # noqa: BLE001  the one boundary: a defect of ours must not look like a verdict
        _show_defect()
        return errors.EXIT_INTERNAL


def _show_defect() -> None:
    import traceback

    traceback.print_exc()
    click.echo(
        "twofold: this is a bug in twofold. Finished trials are in results/. Please report"
        " the lines above.",
        err=True,
    )
