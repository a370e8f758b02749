"""Prints a result as JSON or as text, and the path of its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType


def tell(
    *,
    as_json: bool,
    document: Callable[[], str],
    text: Callable[[], RenderableType],
    report: Path | None = None,
) -> None:
    """Print the document or the text, and the report's path on standard error beside a text."""
    if as_json:
        click.echo(document(), nl=False)
        return
    from rich.console import Console

    Console().print(text())
    if report is not None:
        click.echo(f"Report: {report}", err=True)
