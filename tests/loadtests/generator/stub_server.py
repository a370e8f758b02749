"""A server in a thread, for a generator that is another process: plain sockets, one thread each."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\nX-Upstream-Addr: 10.0.0.1:80\r\nContent-Length: 2\r\n\r\nok"

Answering = Callable[[bytes], bytes]
"""Gives the bytes that answer a request; none closes the connection."""


@contextmanager
def stub_server(answer: Answering = lambda _request: OK) -> Iterator[tuple[str, list[bytes]]]:
    """Run the server; yields its URL and the requests that it got (in full, as they come)."""
    requests: list[bytes] = []
    open_sockets: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def speak(connection: socket.socket) -> None:
        with connection:
            try:
                while request := connection.recv(65_536):
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
