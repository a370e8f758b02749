"""Turns errors and signals into messages and exit codes; the only place that does."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from loadtests.cli import output
from loadtests.cli.app import cli
from loadtests.model import errors
from loadtests.report.formats import github
from loadtests.tools import signals

REPEATED_S = 0.1
"""A signal this soon after the first is the same one: wrappers pass on what a terminal sent.

They take milliseconds. Two presses by hand are 0.15 to 0.4 s apart.
"""

SHOW_CURSOR = b"\x1b[?25h"
"""The live table hides the terminal's cursor."""

STDERR = 2
LEFT_AT_ONCE = (
    b"\ntwofold: Stopped at once; finished trials are kept. Watchdogs remove what still runs, and"
    b" log it in logs/watchdog.log of the run. `twofold down` shows whether anything is left.\n"
)
STOPPED_AT_ONCE = b"\ntwofold: Stopped at once.\n"

MEASURING = ("run", "gate")
"""Commands that start servers and measure."""

NOT_MEASURING = ("history", "--judge")
"""Words of a gate that only reads; they may stand after options."""

REFUSALS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.EMFILE,
        errno.ENFILE,
        errno.EFBIG,
        errno.EIO,
        errno.ENOLCK,
        errno.ENOMEM,
        errno.ESTALE,
    }
)
"""What only the machine or its user can mend: permissions, space, limits, and a disk or a share
that fails. Any other error of the system that nobody expected, such as a file of our own that is
missing, is a defect."""

WAYS_OUT: Mapping[int, str] = {
    errno.EFBIG: "Raise the limit of a file's size (ulimit -f), or name another disk.",
    errno.EIO: "Look at the disk or the share there.",
    errno.ENOLCK: "Its file system knows no locks: name another place.",
    errno.ENOMEM: "Free some memory, or raise this container's limit.",
    errno.ESTALE: "Look at the share there: is it still mounted?",
}
"""What to look at where it is neither the permissions nor the free space."""

WAY_OUT = "Look at the permissions and the free space there."

DEFECT = "this is a bug in twofold. Finished trials are in results/. Please report the lines above."

SIGNALLED = 128
"""A command that a signal ended has this exit code and the signal's number on top."""


def main() -> None:
    """Run the command line, and exit with its exit code."""
    output.hold_descriptors()
    code = run_command_line(sys.argv[1:], is_process=True)
    output.leave()
    sys.exit(code)


def run_command_line(arguments: list[str], *, is_process: bool = False) -> int:
    """Run a command and return its exit code; each failure is one message on standard error.

    ``is_process`` is whether the process ends with it. Then nothing holds it after a signal.
    """
    with output.safe_streams():
        return _run(arguments, is_process=is_process)


def _run(arguments: list[str], *, is_process: bool) -> int:
    try:
        with signals.handled(_Patience(measures=_measures(arguments)).hear):
            code = int(cli.main(arguments, prog_name="twofold", standalone_mode=False) or 0)
            sys.stdout.flush()  # here, where output that cannot be written has its message
            return code
    except BrokenPipeError:  # nobody reads the output any more
        return errors.EXIT_ENVIRONMENT
    except click.ClickException as error:
        error.show()
        return _annotated(arguments, errors.EXIT_USAGE, error.format_message())
    except errors.Interrupted as error:
        click.echo(f"twofold: {error}", err=True)
        if is_process:
            output.drop()
        return SIGNALLED + error.signum
    except errors.TwofoldError as error:
        click.echo(f"twofold: {error}", err=True)
        return _annotated(arguments, error.exit_code, str(error))
    except (KeyboardInterrupt, click.Abort):
        return 130
    except OSError as error:
        return _refused(error, arguments)
    except SystemExit:  # Click and rich raise it if the output is closed; this is no verdict
        return errors.EXIT_ENVIRONMENT
    except Exception:  # noqa: BLE001  the one boundary: a defect of ours must not look like a verdict
        _show_defect()
        return _annotated(arguments, errors.EXIT_INTERNAL, DEFECT)


def _annotated(arguments: list[str], code: int, message: str) -> int:
    """Add an annotation in a job of GitHub, for a command that measures; return the exit code."""
    if os.environ.get("GITHUB_ACTIONS") and arguments:
        output.write_document(github.failure(arguments[0], code, message), err=True)
    return code


def _measures(arguments: list[str]) -> bool:
    """Return whether a command starts anything that a watchdog would have to remove."""
    words = {word.partition("=")[0] for word in arguments}
    return bool(arguments) and arguments[0] in MEASURING and words.isdisjoint(NOT_MEASURING)


def _refused(error: OSError, arguments: list[str]) -> int:
    """Say what the system refused, or that it is a defect of ours; return the exit code."""
    refusal = _refusal(error)
    if refusal is None:
        _show_defect()
        return _annotated(arguments, errors.EXIT_INTERNAL, DEFECT)
    click.echo(f"twofold: {refusal}", err=True)
    return _annotated(arguments, errors.EXIT_ENVIRONMENT, refusal)


def _refusal(error: OSError) -> str | None:
    """Return what the system refused, and why, in words; None where it may be a defect of ours."""
    try:
        Path.cwd()
    except OSError:
        return "The current folder was removed. Change to another one: cd DIR."
    if error.errno not in REFUSALS:
        return None
    where = f"{error.filename}: " if error.filename is not None else ""
    return (
        f"The system refuses what twofold needs ({where}{error.strerror or error})."
        f" {WAYS_OUT.get(error.errno, WAY_OUT)} Trials that were finished are kept."
    )


def _show_defect() -> None:
    import traceback

    traceback.print_exc()
    click.echo(f"twofold: {DEFECT}", err=True)


class _Patience:
    """Ends the process at the second signal: somebody does not want to wait for the clean-up.

    The watchdog of each stack notices the end of this process, and removes the stack.
    """

    def __init__(self, *, measures: bool = True) -> None:
        self._first_s: float | None = None
        self._last_words = LEFT_AT_ONCE if measures else STOPPED_AT_ONCE

    def hear(self, signum: int) -> None:
        """Note the first signal, and end the process at a later one."""
        from loadtests.tools import proc

        if self._first_s is None:
            self._first_s = proc.monotonic_s()
        elif proc.monotonic_s() - self._first_s > REPEATED_S:
            proc.signal_running(signal.SIGTERM)
            with suppress(OSError):  # a closed terminal must not hold the process
                os.write(STDERR, (SHOW_CURSOR if os.isatty(STDERR) else b"") + self._last_words)
            os._exit(SIGNALLED + signum)
