"""A server in a thread, for a generator that is another process: plain sockets, one thread each."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\nX-Upstream-Addr: 10.0.0.1:80\r\nContent-Length: 2\r\n\r\nok"

Answering = Callable[[bytes], bytes]
"""Gives the bytes that answer a request; none closes the connection."""


def late(seconds: float, answer: bytes = OK) -> Answering:
    """Return an answering that takes its time."""

    def reply(_request: bytes) -> bytes:
        time.sleep(seconds)
        return answer

    return reply


def whole_request(connection: socket.socket) -> bytes:
    """Return the next request with its body; nothing when the client is gone."""
    request = b""
    while more := connection.recv(65_536):
        request += more
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if end and len(body) >= (int(length[1]) if length else 0):
            return request
    return b""


@contextmanager
def stub_server(answer: Answering = lambda _request: OK) -> Iterator[tuple[str, list[bytes]]]:
    """Run the server; yields its URL and the requests that it got (in full, as they come)."""
    requests: list[bytes] = []
    open_sockets: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def speak(connection: socket.socket) -> None:
        with connection:
            try:
                while request := whole_request(connection):
                    requests.append(request)
                    reply = answer(request)
                    if not reply:
                        return
                    connection.sendall(reply)
            except OSError:
                return

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(connection)
            threading.Thread(target=speak, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_sockets:
            connection.close()
