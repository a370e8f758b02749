"""Finds out what servers do with idle connections; stdlib only, run as a program.

It reads one JSON object from standard input and writes one to standard output. The input has
``replicas`` (the address of a replica by the name of its worker model), ``path`` (what each
connection asks for once), ``connections`` (how many to open) and ``watch_s`` (how long to watch
them). The output has, by the same names, ``opened``, ``answered``,
``closed_after_s`` (null if none was closed), ``watched_s`` and ``announced``.
"""

from __future__ import annotations

import contextlib
import json
import re
import selectors
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

ANSWER_LIMIT_S = 3.0
"""How long one answer may take. A server that has no connection left lets it wait for ever."""

OPENING_LIMIT_S = 6.0
"""How long opening may take altogether: an application that answers slowly gets fewer."""

LIMITED = re.compile(rb"HTTP/1\.\d 429\b")


@dataclass(kw_only=True)
class Kept:
    """What a server did with the connections that were opened."""

    opened: int = 0
    answered: int = 0
    closed_after_s: float | None = None
    watched_s: float = 0.0
    announced: bool = False


def main() -> None:
    """Watch all servers at the same time, and write what they did."""
    job: dict[str, Any] = json.loads(sys.stdin.read())
    names = list(job["replicas"])
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        results = pool.map(
            lambda name: watch(
                job["replicas"][name],
                job["path"],
                connections=job["connections"],
                watch_s=job["watch_s"],
            ),
            names,
        )
        print(json.dumps({name: asdict(kept) for name, kept in zip(names, results, strict=True)}))


def watch(address: str, path: str, *, connections: int, watch_s: float) -> Kept:
    """Open connections, ask each once, and watch the idle ones until one is closed.

    It stops opening at the first one that gets no answer: the server has no more. It stops, too,
    where a limit of the rate refuses: the load needs what is left.
    """
    kept = Kept()
    host, _, port = address.rpartition(":")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: twofold\r\nAccept: */*\r\n\r\n"
    ).encode()
    deadline = time.monotonic() + OPENING_LIMIT_S
    with contextlib.ExitStack() as stack:
        idle: list[tuple[socket.socket, float]] = []
        while kept.opened < connections and time.monotonic() < deadline:
            kept.opened += 1
            try:
                connection = socket.create_connection((host, int(port)), timeout=ANSWER_LIMIT_S)
                stack.enter_context(connection)
                connection.sendall(request)
                head = _answer(connection)
            except OSError:
                break
            kept.answered += 1
            if b"\r\nconnection: close" in head.lower() or head.startswith(b"HTTP/1.0"):
                kept.announced = True
                break
            idle.append((connection, time.monotonic()))
            if _is_closed(connection) or LIMITED.match(head):
                break
        _watch_idle(idle, watch_s, kept)
    return kept


def _watch_idle(idle: list[tuple[socket.socket, float]], watch_s: float, kept: Kept) -> None:
    """Watch until one closes that is being watched, and note the shortest time of all.

    Of those that were closed while others were opened, only the longest time they can have had is
    known: up to seconds, although the server closes after a part of one.
    """
    began = time.monotonic()
    closed_after_s: list[float] = []
    with selectors.DefaultSelector() as selector:
        for connection, since in idle:
            selector.register(connection, selectors.EVENT_READ, since)
        is_watched = False
        while idle and (left := began + watch_s - time.monotonic()) > 0:
            before = len(closed_after_s)
            for key, _ in selector.select(left if is_watched else 0):
                if _is_closed(key.fileobj):  # type: ignore[arg-type]
                    closed_after_s.append(time.monotonic() - key.data)
                    selector.unregister(key.fileobj)
            if not selector.get_map() or (is_watched and len(closed_after_s) > before):
                break
            is_watched = True
    kept.closed_after_s = min(closed_after_s, default=None)
    kept.watched_s = time.monotonic() - began
    if kept.closed_after_s is not None:
        kept.watched_s = kept.closed_after_s


def _is_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has closed, without waiting."""
    connection.settimeout(0)
    try:
        return not connection.recv(65536)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _answer(connection: socket.socket) -> bytes:
    """Read one answer and return its head; raise OSError if it does not come in time."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += _received(connection)
    else:
        while len(body) < int(fields.get(b"content-length", b"0")):
            body += _received(connection)
    return head


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError("closed before the end of the answer")
    return data


if __name__ == "__main__":
    main()
