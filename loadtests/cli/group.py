"""A group of commands that imports a command only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from loadtests.config.names import did_you_mean


@dataclass(frozen=True)
class Entry:
    """A command's module in ``loadtests.cli.commands``, and a sentence about it."""

    module: str
    about: str

    def load(self) -> click.Command:
        """Import the command."""
        command: click.Command = importlib.import_module(
            f"loadtests.cli.commands.{self.module}"
        ).command
        return command


class LazyGroup(click.Group):
    """A command group from a registry, in its order."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  Click's signature
        """Return the names in the registry's order."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command, or return None for an unknown name."""
        entry = self.entries.get(cmd_name)
        return None if entry is None else entry.load()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; raise with a list of all commands for an unknown name."""
        if args and args[0] not in self.entries and not args[0].startswith("-"):
            raise click.UsageError(
                f"No such command {args[0]!r}. Known: {', '.join(self.entries)}."
                f"{did_you_mean(args[0], self.entries)}",
                ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.about) for name, entry in self.entries.items()])
