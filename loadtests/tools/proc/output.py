"""Reads what a program writes, in threads, so that nobody waits for a pipe that stays open.

What a program leaves running would die of such a pipe, once nobody reads it; it gets files instead.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import io
import os
import queue
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from loadtests.model.errors import ProcessFailure
from loadtests.tools import files
from loadtests.tools.proc import clock

PIECE_BYTES = 1 << 16
WAITING_PIECES = 100
"""How many pieces may wait to be taken; then the program has to wait, too."""

LINE_CHARS = 1 << 16
"""Longer lines are told in several pieces."""

KEPT_LINES = 1000
"""How many lines are kept of a program whose lines are told as they come."""

MOST_CHARS = 64 << 20
"""How much a program may write whose whole output is returned."""

BEGINNING_BYTES = 4096
"""How much of a file is compared, to see that it was emptied and written again; one page."""

LAST_PIECE_S = 0.2
"""How long a piece may take once the program has ended."""


class Output:
    """The output of one program, stream by stream.

    With ``on_line`` only the last lines are kept, and each is told as it is taken.
    """

    def __init__(
        self, streams: Mapping[str, IO[bytes]], on_line: Callable[[str], None] | None
    ) -> None:
        self._pieces: queue.Queue[tuple[str, bytes]] = queue.Queue(WAITING_PIECES)
        self._abandoned = threading.Event()
        self._texts: dict[str, _Decoded] = {
            name: _Whole() if on_line is None else _LastLines(on_line) for name in streams
        }
        self._open = set(streams)
        for name, stream in streams.items():
            threading.Thread(target=self._read, args=(name, stream), daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether every stream was read to its end."""
        return not self._open

    def take(self, limit_s: float) -> bool:
        """Take the next piece; return whether there was one in this time.

        Raises :class:`ProcessFailure` if the output is too much to keep.
        """
        try:
            name, piece = self._pieces.get(timeout=limit_s)
        except queue.Empty:
            return False
        if not piece:
            self._open.discard(name)
        self._texts[name].add(piece)
        return True

    def take_rest(self) -> None:
        """Take what is there, and what still comes of streams that are about to end."""
        while not self.ended and self.take(LAST_PIECE_S):
            pass

    def text(self, name: str) -> str:
        """Return what was taken of a stream; nothing of one that does not exist."""
        return "".join(self._texts[name].parts) if name in self._texts else ""

    def abandon(self) -> None:
        """Take no more pieces; the threads end with their streams, or at their next piece."""
        self._abandoned.set()

    def _read(self, name: str, stream: IO[bytes]) -> None:
        with stream, contextlib.suppress(ValueError, OSError):
            while piece := stream.read1(PIECE_BYTES):  # type: ignore[attr-defined]
                if not self._put(name, piece):
                    return
        self._put(name, b"")

    def _put(self, name: str, piece: bytes) -> bool:
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._pieces.put((name, piece), timeout=1.0)
                return True
        return False


class FileOutput:
    """The output of one program in files without a name, which its children may go on writing.

    The files are gone when the last of them has ended.
    """

    ended = False

    def __init__(self) -> None:
        with files.on_disk(Path(tempfile.gettempdir()), files.TEMPORARY_WAY_OUT):
            self.files = {
                name: tempfile.TemporaryFile()  # noqa: SIM115  closed when it is abandoned
                for name in ("stdout", "stderr")
            }
        for file in self.files.values():  # after a truncation, too, what is written is at the end
            flags = fcntl.fcntl(file, fcntl.F_GETFL)
            fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_APPEND)
        self._written = {name: _Written(file) for name, file in self.files.items()}
        self._texts: dict[str, str] = {}

    def take(self, limit_s: float) -> bool:
        """Let the program write for this time; raise :class:`ProcessFailure` if it is too much."""
        clock.pause(limit_s)
        for written in self._written.values():
            written.look()
            if written.size > MOST_CHARS:
                raise _too_much()
        return False

    def text(self, name: str) -> str:
        """Return what a stream had when it was abandoned."""
        return self._texts[name]

    def abandon(self) -> None:
        """Keep what there is, and leave the files to whoever else has them open."""
        for name, file in self.files.items():
            with file:
                self._written[name].look()
            text = self._written[name].data.decode(errors="replace").replace("\0", "")
            self._texts[name] = text.replace("\r\n", "\n").replace("\r", "\n")


class _Written:
    """What was written into a file, also before somebody opened it anew and emptied it.

    A program does that with ``> /dev/stderr``. What came and went between two looks is lost.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._before = b""
        self._now = bytearray()

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._before) + len(self._now)

    @property
    def data(self) -> bytes:
        """All that was seen."""
        return self._before + self._now

    def look(self) -> None:
        """Read what is new; what was there stays although the file has become shorter."""
        number = self._file.fileno()
        beginning = bytes(self._now[:BEGINNING_BYTES])
        is_same = os.pread(number, len(beginning), 0) == beginning
        if not is_same or os.fstat(number).st_size < len(self._now):
            self._before, self._now = self.data, bytearray()
        # Seeking would move where they write.
        self._now += os.pread(number, max(0, MOST_CHARS + 1 - self.size), len(self._now))


class _Decoded:
    """A stream's text as it comes; an empty piece ends it."""

    def __init__(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self.parts: deque[str] = deque()

    def add(self, piece: bytes) -> None:
        """Keep a piece."""
        self.keep(self._decoder.decode(piece, final=not piece), ended=not piece)

    def keep(self, text: str, *, ended: bool) -> None:
        """Keep the next text, the last one if ``ended``."""
        raise NotImplementedError


class _Whole(_Decoded):
    """The whole text of a stream."""

    _chars = 0

    def keep(self, text: str, *, ended: bool) -> None:  # noqa: ARG002  the end changes nothing
        """Keep the text; raise if there is too much."""
        self.parts.append(text)
        self._chars += len(text)
        if self._chars > MOST_CHARS:
            raise _too_much()


def _too_much() -> ProcessFailure:
    return ProcessFailure(f"A program wrote over {MOST_CHARS >> 20} MiB and was killed.")


class _LastLines(_Decoded):
    """The last lines of a stream; each is told when it is whole, or very long."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        super().__init__()
        self.parts = deque(maxlen=KEPT_LINES)
        self._on_line = on_line
        self._begun = ""

    def keep(self, text: str, *, ended: bool) -> None:
        """Keep and tell the lines that are whole now."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._tell(line + "\n")
        while len(self._begun) >= LINE_CHARS or (ended and self._begun):
            begun, self._begun = self._begun[:LINE_CHARS], self._begun[LINE_CHARS:]
            self._tell(begun)

    def _tell(self, line: str) -> None:
        self.parts.append(line)
        self._on_line(line.rstrip())
