"""Lends this machine to a harness elsewhere as a generator of load.

``python -m loadtests.generator.team.listen 10.0.0.5:8089`` waits for the harness, which has to know
the secret in ``TWOFOLD_GENERATOR_SECRET``, and starts a generator for as long as it is connected.
Whoever knows the secret can run code here, since a locustfile is code.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

from loadtests.generator.team import handshake, started
from loadtests.generator.team.handshake import Join, Unusable
from loadtests.generator.team.link import be_noticed

UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104  each connection's own address is looked at

WAITING = 8
"""Connections that may wait for the handshake."""


class Listener:
    """Waits at an address; one harness at a time gets a generator."""

    def __init__(self, address: str, key: bytes) -> None:
        """Listen at ``host:port``, a private address; raises ``Unusable``."""
        host, port = handshake.host_and_port(address)
        if host not in UNSPECIFIED and not handshake.is_private(host):
            raise Unusable(
                f"{host} is no loopback or private address. What is spoken here is not encrypted,"
                " so listen in a private network only."
            )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=WAITING)
        except OSError as error:
            raise Unusable(f"Nothing can listen at {address}: {error}.") from error
        self._key = key
        self._busy = threading.Lock()
        self._program: started.Program | None = None

    @property
    def port(self) -> int:
        """The port, also where 0 was asked for."""
        return int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Serve each harness that comes, until the process ends."""
        while True:
            connection, peer = self._socket.accept()
            threading.Thread(
                target=self._speak, args=(connection, str(peer[0])), daemon=True
            ).start()

    def end(self) -> None:
        """End the generator that runs now."""
        program = self._program
        if program is not None:
            program.terminate()
            started.end(program)

    def _speak(self, connection: socket.socket, peer: str) -> None:
        with connection:
            own = str(connection.getsockname()[0])
            if not (handshake.is_private(peer) and handshake.is_private(own)):
                tell(f"refused {peer}: it is not in a private network")
                return
            connection.settimeout(handshake.LIMIT_S)
            be_noticed(connection)
            try:
                with connection.makefile("rb") as reader, connection.makefile("wb") as writer:
                    self._meet(connection, reader, writer, peer)
            except (OSError, ValueError) as error:
                tell(f"{peer} went: {error}")

    def _meet(
        self, connection: socket.socket, reader: IO[bytes], writer: IO[bytes], peer: str
    ) -> None:
        try:
            join, proof = self._asked(reader, writer)
        except Unusable as error:
            tell(f"refused {peer}: {error}")
            say(writer, {"error": str(error)})
            return
        if not self._busy.acquire(blocking=False):
            say(writer, {"error": "It generates load for another harness."})
            return
        try:
            say(writer, {"proof": proof})
            self._lend(connection, join, peer)
        finally:
            self._busy.release()

    def _asked(self, reader: IO[bytes], writer: IO[bytes]) -> tuple[Join, str]:
        """Return what the harness asks for, and the proof to answer with."""
        own = handshake.fresh()
        say(writer, {"twofold": 1, "nonce": own})
        try:
            line = json.loads(reader.readline(handshake.LONGEST_LINE))
            theirs, given = str(line["nonce"]), line["proof"]
            asked = line["join"]
        except (ValueError, TypeError, KeyError):
            raise Unusable("It did not shake hands.") from None
        join = handshake.read_join(asked)
        if not handshake.holds(self._key, given, "harness", own, theirs, join):
            raise Unusable(f"It does not know the secret of {handshake.VARIABLE}.")
        return join, handshake.proof(self._key, "generator", theirs, own, join)

    def _lend(self, connection: socket.socket, join: Join, peer: str) -> None:
        """Run a generator for as long as the harness is connected."""
        connection.settimeout(None)  # the program's reads and writes wait
        words = started.part_words(join.number, join.of, join.processes)
        self._program = started.on_connection(connection, words, join.variables)
        tell(f"generates load for {peer}: part {join.number + 1} of {join.of}")
        code = self._program.wait()
        self._program = None
        tell(f"ended for {peer} with code {code}")


def say(writer: IO[bytes], words: dict[str, Any]) -> None:
    """Write one line of the handshake."""
    writer.write(json.dumps(words).encode() + b"\n")
    writer.flush()


def tell(text: str) -> None:
    """Write a line for people."""
    print(text, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Listen until a signal comes; return 2 where that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.generator.team.listen", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("address", metavar="HOST:PORT", help="a private address of this machine")
    given = parser.parse_args(words)
    try:
        listener = Listener(given.address, handshake.secret())
    except Unusable as error:
        tell(str(error))
        return 2

    def stop(_number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            listener.end()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    tell(f"waiting for a harness at {given.address.rpartition(':')[0]}:{listener.port}")
    listener.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
