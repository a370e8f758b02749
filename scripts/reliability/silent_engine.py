"""A Docker engine that answers until a call, and from then on never, late, or with a failure.

It stands between the harness and the real engine, on a socket of its own. A call is a request by
anybody: the harness, ``docker`` or Compose.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REAL = "/var/run/docker.sock"
REQUEST = re.compile(rb"^(?:GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
LATE_S = 25.0
"""Later than any call of the harness waits."""

BODY = b'{"message": "it fails"}'
FAILURE = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class SilentEngine:
    """The engine at ``address``; ``calls`` counts the requests, ``silent_since_s`` is monotonic."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self.calls = 0
        self.silent_at: int | None = None
        self.silent_since_s: float | None = None
        self.way = "never"
        self.healed = threading.Event()
        self._lock = threading.Lock()

    def count(self) -> bool:
        """Count a call; return whether the engine does not answer it."""
        with self._lock:
            self.calls += 1
            if self.silent_at is None or self.calls < self.silent_at or self.healed.is_set():
                return False
            if self.silent_since_s is None:
                self.silent_since_s = time.monotonic()
            return True

    def serve(self, client: socket.socket) -> None:
        """Pass one connection on, call by call."""
        with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(REAL)
            threading.Thread(target=_pump, args=(engine, client), daemon=True).start()
            while data := client.recv(1 << 16):
                if REQUEST.match(data) and self.count() and not self._passes(client):
                    return
                engine.sendall(data)

    def _passes(self, client: socket.socket) -> bool:
        """Keep a call waiting or refuse it; return whether it is passed on at last."""
        if self.way == "fails":
            client.sendall(FAILURE)
            return False
        self.healed.wait(LATE_S if self.way == "late" else None)
        return True


def _pump(engine: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := engine.recv(1 << 16):
            client.sendall(data)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)


@contextmanager
def serving(path: Path) -> Iterator[SilentEngine]:
    """Serve the engine at a path until the end of the block; then every call is answered."""
    engine = SilentEngine(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=engine.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield engine
        finally:
            engine.healed.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
