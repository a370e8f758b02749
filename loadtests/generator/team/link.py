"""The connection to the generator of one machine: lines of JSON in both directions."""

from __future__ import annotations

import contextlib
import json
import queue
import shlex
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from loadtests.generator.clock import now_s
from loadtests.generator.team import handshake, started
from loadtests.generator.team.handshake import Join, Unusable

CONNECT_LIMIT_S = 5.0

SILENT_LIMIT_MS = 15_000
"""How long what was sent may stay unconfirmed before the connection counts as broken."""


class Lost(Exception):
    """The connection to a machine's generator has ended; the message names it."""


class Refusal(Exception):
    """A machine's generator answered with an error; ``kind`` is the protocol's."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Link:
    """A machine's generator. A thread reads its lines, and notes when each came."""

    def __init__(
        self, name: str, reader: IO[bytes], writer: IO[bytes], close: Callable[[], None]
    ) -> None:
        self.name = name
        self._writer = writer
        self._close = close
        self._ended = threading.Event()
        self._lines: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()

    def _read(self, reader: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in reader:
                self._lines.put((now_s(), line))
        self._ended.set()
        self._lines.put((now_s(), b""))

    @property
    def has_ended(self) -> bool:
        """Whether the generator, or the connection to it, has ended."""
        return self._ended.is_set()

    def say(self, order: Mapping[str, Any]) -> None:
        """Send one order; raises ``Lost``."""
        try:
            self._writer.write(json.dumps(order).encode() + b"\n")
            self._writer.flush()
        except (OSError, ValueError) as error:
            raise Lost(f"The connection to the generator at {self.name} has ended.") from error

    def hear(self, limit_s: float, *events: str) -> tuple[float, dict[str, Any]]:
        """Return the next line and when it came, if it is one of ``events``.

        Raises ``Lost`` at the end of the connection, and after ``limit_s``; and ``Refusal``.
        """
        try:
            at_s, line = self._lines.get(timeout=max(0.0, limit_s))
        except queue.Empty:
            raise Lost(f"The generator at {self.name} did not answer in {limit_s:.0f} s.") from None
        if not line:
            self._lines.put((at_s, line))
            raise Lost(f"The generator at {self.name} has ended.")
        try:
            event: dict[str, Any] = json.loads(line)
            name = event["event"]
        except (ValueError, TypeError, KeyError):
            raise Lost(f"The generator at {self.name} wrote {line[:100]!r}.") from None
        if name == "error":
            raise Refusal(str(event.get("kind")), f"{event.get('detail')} (At {self.name}.)")
        if name not in events:
            raise Lost(f"The generator at {self.name} sent {name!r}, not {' or '.join(events)}.")
        return at_s, event

    def close(self) -> None:
        """End the connection, and with it the generator."""
        with contextlib.suppress(OSError, ValueError):
            self._close()


def connect(address: str, key: bytes, join: Join) -> Link:
    """Return the generator that listens at ``host:port``; raises ``Unusable``."""
    host, port = handshake.host_and_port(address)
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [str(entry[4][0]) for entry in entries]
        if strangers := [each for each in found if not handshake.is_private(each)]:
            raise Unusable(
                f"{address} is at {strangers[0]}, which is neither loopback nor private. Generators"
                " speak without encryption, so they have to be in a private network."
            )
        connection = _first_that_accepts(dict.fromkeys(found), port)
    except OSError as error:
        raise Unusable(
            f"No generator answers at {address} ({error}). Start it there: python -m"
            f" loadtests.generator.team.listen {address}."
        ) from error
    connection.settimeout(handshake.LIMIT_S)
    reader, writer = connection.makefile("rb"), connection.makefile("wb")
    try:
        _shake_hands(address, reader, writer, key, join)
    except (OSError, Unusable) as error:
        reader.close()
        connection.close()
        raise Unusable(str(error)) from error
    be_noticed(connection)
    connection.settimeout(None)

    def close() -> None:
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    return Link(address, reader, writer, close)


def _first_that_accepts(addresses: Iterable[str], port: int) -> socket.socket:
    """Return a connection to the first address at which somebody listens.

    Raises the ``OSError`` of the last one.
    """
    *others, last = addresses
    for each in others:
        with contextlib.suppress(OSError):
            return socket.create_connection((each, port), timeout=CONNECT_LIMIT_S)
    return socket.create_connection((last, port), timeout=CONNECT_LIMIT_S)


def _shake_hands(
    address: str, reader: IO[bytes], writer: IO[bytes], key: bytes, join: Join
) -> None:
    own = handshake.fresh()
    theirs = str(_line(address, reader).get("nonce"))
    words = {
        "join": json.loads(join.as_text()),
        "nonce": own,
        "proof": handshake.proof(key, "harness", theirs, own, join),
    }
    writer.write(json.dumps(words).encode() + b"\n")
    writer.flush()
    answer = _line(address, reader)
    if "error" in answer:
        raise Unusable(f"The generator at {address} refused: {answer['error']}")
    if not handshake.holds(key, answer.get("proof"), "generator", own, theirs, join):
        raise Unusable(
            f"What listens at {address} does not know the secret of {handshake.VARIABLE}. Give both"
            " sides the same one."
        )


def _line(address: str, reader: IO[bytes]) -> dict[str, Any]:
    try:
        line = json.loads(reader.readline(handshake.LONGEST_LINE))
        if isinstance(line, dict):
            return line
    except (OSError, ValueError):
        pass
    raise Unusable(f"What listens at {address} is no generator of Twofold.")


def be_noticed(connection: socket.socket) -> None:
    """Let both sides notice within seconds that the other is gone without a word."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 5),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", SILENT_LIMIT_MS),
    ):
        if hasattr(socket, name):  # Linux has all of them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def run(argv: Sequence[str], join: Join, *, name: str) -> Link:
    """Return the generator that a command leads to; raises ``Unusable``."""
    words = (*argv, *started.part_words(join.number, join.of, join.processes))
    try:
        program = started.behind(words)
    except OSError as error:
        raise Unusable(f"`{shlex.join(argv)}` cannot be started: {error}.") from error
    assert program.stdin is not None
    assert program.stdout is not None
    writer = program.stdin

    def close() -> None:
        with contextlib.suppress(OSError, ValueError):
            writer.close()
        started.end(program)

    return Link(name, program.stdout, writer, close)
