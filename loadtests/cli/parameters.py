"""Options and arguments that several commands have, and how their values are read."""

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

run_argument = click.argument("name", metavar="[RUN]", required=False)


class ListedOption(click.Option):
    """An option whose help ends in the names that it takes, as they are registered when asked."""

    def __init__(self, *args: Any, listed: Callable[[], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lead = self.help or ""
        self._listed = listed

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Give the option's lines of help, with the list as it is now."""
        self.help = self._lead.format(self._listed())
        return super().get_help_record(ctx)


def names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read names joined by commas; None where nothing was given."""
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())


def numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Read whole numbers joined by commas."""
    try:
        return tuple(int(part) for part in names(context, parameter, value) or ())
    except ValueError:
        raise UsageError(
            f"{parameter.opts[0]} is {value!r}; it takes whole numbers joined by commas."
            f" Try {parameter.opts[0]} 1,2,4."
        ) from None
