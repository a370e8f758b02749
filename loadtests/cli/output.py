"""Everything that is printed goes through here: text of others cannot control the terminal.

While a command runs, ``sys.stdout`` and ``sys.stderr`` are :class:`SafeStream`. A console's own
colours, and documents for other programs, are written past them.

Standard output that cannot be written is one message and exit code 4. Standard error that cannot be
written changes nothing: the exit code still tells how a command ended.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.safe_text import logged, printable

if TYPE_CHECKING:
    from io import TextIOWrapper

    from rich.console import Console, RenderableType


DESCRIPTORS = range(3)
"""Standard input, output and error."""


class OutputFailure(EnvironmentFailure):
    """Standard output cannot be written, though it is where the answer belongs."""


class _Guarded:
    """A stream of this process; a subclass says what happens where it cannot be written."""

    def __init__(self, stream: TextIO | None) -> None:
        """Take the stream, or None where it is closed."""
        self._is_there = stream is not None
        self._stream = _nowhere() if stream is None else stream

    def __getattr__(self, name: str) -> Any:
        """Give everything else of the stream."""
        return getattr(self._stream, name)


class Answers(_Guarded):
    """Standard output: what cannot be written is an :class:`OutputFailure`.

    A reader that has gone is none, such as that of ``| head``: Click and rich end the command.
    """

    def write(self, text: str) -> int:
        """Write text; raises :class:`OutputFailure`."""
        if not self._is_there:
            raise _unwritten("it is closed")
        with _told():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is still held back; raises :class:`OutputFailure`."""
        with _told():
            self._stream.flush()


class Remarks(_Guarded):
    """Standard error: what cannot be written is left out."""

    def write(self, text: str) -> int:
        """Write text if possible."""
        with suppress(OSError, ValueError):  # ValueError: somebody has closed it
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is still held back, if possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritten(error.strerror or str(error)) from error


def _unwritten(reason: str) -> OutputFailure:
    return OutputFailure(f"Standard output cannot be written ({reason}).")


@contextmanager
def result_in(folder: Path | None) -> Iterator[None]:
    """Let the message of output that cannot be written say where the result is, if it is known."""
    try:
        yield
    except OutputFailure as failure:
        if folder is None:
            raise
        raise OutputFailure(f"{failure} The result is in {folder}.") from failure


def hold_descriptors() -> None:
    """Open what is closed of the three descriptors that all programs have.

    Else the next file that is opened gets its number, and what is printed lands in that file.
    """
    for number in DESCRIPTORS:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003  it has no name


def drop() -> None:
    """Drop what standard output still holds back; else a reader that takes nothing holds us, too.

    Nothing can be written to it from then on.
    """
    _write_nowhere(sys.stdout)


def leave() -> None:
    """Let Python's own last look at the streams succeed; else it would change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _write_nowhere(stream)


def _write_nowhere(stream: TextIO) -> None:
    with suppress(AttributeError, OSError, ValueError):  # it may be closed, or no file at all
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())


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
    guarded = cast("TextIO", Answers(before[0])), cast("TextIO", Remarks(before[1]))
    sys.stdout, sys.stderr = (cast("TextIO", SafeStream(stream)) for stream in guarded)
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
    """Print the document or the text, and the report's path on standard error beside a text.

    A plain text is printed as it is: its brackets are no markup, for others may have written them.
    """
    with result_in(report.parent if report is not None else None):
        if as_json:
            write_document(document())
            return
        from rich.text import Text  # takes a while, and a document needs none

        shown = text()
        console().print(Text(shown) if isinstance(shown, str) else shown)
    if report is not None:
        click.echo(f"Report: {report}", err=True)


def raw(stream: TextIO) -> TextIO:
    """Return the stream itself, for text that is for another program."""
    return stream.raw if isinstance(stream, SafeStream) else stream
