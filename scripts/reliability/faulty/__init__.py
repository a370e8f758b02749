"""The sample application that goes wrong once a file says so: for the campaign ``no_wrong_green``.

The file is named by FAULT_FILE, by default ``/tmp/fault``. Its text is one of ``KINDS``.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import app

FILE = Path(os.environ.get("FAULT_FILE", "/tmp/fault"))  # noqa: S108  a container's own
MEMORY_MB = int(os.environ.get("FAULT_MEMORY_MB", "0"))
"""How much is taken at once; 0 where no limit of memory would end the process."""

SLOWER_S = 0.5
GARBAGE = b"\x16\x03\x01\x00\xa5\xff\xfe no answer\r\n\r\n"
MONITORED = ("/healthz", "/metrics")

Answer = Iterable[bytes]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Answer]


def create_app() -> Any:
    """Return the sample application with the fault around it."""
    made = app.create_app()
    made.wsgi_app = Faulty(made.wsgi_app)  # type: ignore[method-assign]  # Flask's own way
    return made


class Faulty:
    """Goes wrong in each request, as the file says, and answers well without one."""

    def __init__(self, inner: WsgiApp) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Answer:
        """Answer a request."""
        if environ["PATH_INFO"] not in MONITORED and FILE.exists():
            KINDS[FILE.read_text().strip()](environ)
        return self._inner(environ, start_response)


def slow(_environ: dict[str, Any]) -> None:
    """Take half a second longer."""
    time.sleep(SLOWER_S)


def garbage(environ: dict[str, Any]) -> None:
    """Answer what is no HTTP, and end the connection."""
    connection: socket.socket = environ["gunicorn.socket"]
    connection.sendall(GARBAGE)
    connection.shutdown(socket.SHUT_RDWR)


def reset(environ: dict[str, Any]) -> None:
    """Reset the connection (TCP RST)."""
    connection: socket.socket = environ["gunicorn.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def memory(_environ: dict[str, Any]) -> None:
    """Take memory until the kernel ends the process, or do to it what the kernel does."""
    if MEMORY_MB:
        taken = bytearray(MEMORY_MB << 20)
        taken[::4096] = b"x" * len(taken[::4096])
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGKILL)


KINDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "slow": slow,
    "garbage": garbage,
    "reset": reset,
    "memory": memory,
}
