"""Everything that is printed goes through here: text of others cannot control the terminal.

While a command runs, ``sys.stdout`` and ``sys.stderr`` are :class:`SafeStream`. A console's own
colours, and documents for other programs, are written past them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from loadtests.model.safe_text import logged, printable

if TYPE_CHECKING:
    from io import TextIOWrapper

    from rich.console import Console, RenderableType


class SafeStream:
    """A text stream that prints harmless text only, in the stream's encoding."""

    def __init__(self, stream: TextIO) -> None:
        self.raw = stream

    def write(self, text: str) -> int:
        """Write text without control characters and commands."""
        encoding = self.raw.encoding or "utf-8"
        self.raw.write(logged(text).encode(encoding, "replace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Give everything else of the stream, but not the bytes below it."""
        if name == "buffer":  # Click would write to it where the encoding is ASCII
            raise AttributeError(name)
        return getattr(self.raw, name)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let all that is printed in this block be harmless, and nothing that is be a failure.

    What goes past :class:`SafeStream` may have characters that the terminal's encoding lacks.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", SafeStream(stream)) for stream in before)
    errors = [getattr(stream, "errors", None) or "strict" for stream in before]
    try:
        for stream in before:
            _treat_errors(stream, "replace")
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream, way in zip(before, errors, strict=True):
            _treat_errors(stream, way)


def _treat_errors(stream: TextIO, way: str) -> None:
    """Say what a stream does with characters that it cannot encode, where it can be told."""
    with suppress(AttributeError, OSError, ValueError):  # whoever writes to a closed one is told
        cast("TextIOWrapper", stream).reconfigure(errors=way)


def console(*, stderr: bool = False) -> Console:
    """Return a console whose own colours are printed, and no others."""
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

    class SafeConsole(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else logged(segment.text)
                yield Segment(text, segment.style, segment.control)

    return SafeConsole(file=raw(sys.stderr if stderr else sys.stdout))


def write_document(text: str, *, err: bool = False) -> None:
    """Write text for another program: a file, or commands for a CI system."""
    click.echo(printable(text), nl=False, file=raw(sys.stderr if err else sys.stdout))


def tell(
    *,
    as_json: bool,
    document: Callable[[], str],
    text: Callable[[], RenderableType],
    report: Path | None = None,
) -> None:
    """Print the document or the text, and the report's path on standard error beside a text."""
    if as_json:
        write_document(document())
        return
    console().print(text())
    if report is not None:
        click.echo(f"Report: {report}", err=True)


def raw(stream: TextIO) -> TextIO:
    """Return the stream itself, for text that is for another program."""
    return stream.raw if isinstance(stream, SafeStream) else stream
