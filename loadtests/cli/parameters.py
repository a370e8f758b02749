"""Options and arguments that several commands share, and the parsing of their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from loadtests.model.errors import UsageError

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON document to standard output."
)

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of results.  [default: results/ of the project]",
)

wait_option = click.option(
    "--wait/--no-wait",
    default=True,
    help="Wait while another run measures on this machine, or fail at once.  [default: wait]",
)

run_argument = click.argument("name", metavar="[RUN]", required=False)


class ListedOption(click.Option):
    """An option whose help lists the valid names, as registered when the help is printed."""

    def __init__(self, *args: Any, listed: Callable[[], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lead = self.help or ""
        self._listed = listed

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's help, with the current list."""
        self.help = self._lead.format(self._listed())
        return super().get_help_record(ctx)


def names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Return the names in a comma-separated text, or None without a text."""
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())


def numbers(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Return the integers in a comma-separated text, or None without a text.

    Raises :class:`UsageError` for others.
    """
    if value is None:
        return None
    try:
        return tuple(int(part) for part in names(context, parameter, value) or ())
    except ValueError:
        raise UsageError(
            f"{parameter.opts[0]} is {value!r}; it has to be integers separated by commas."
            f" Try {parameter.opts[0]} 1,2,4."
        ) from None
