"""Servers with a known behaviour, one process each: ``stubs.py delay|stall PORT``.

A request's time counts from its arrival in the kernel, not from when this program reads it. An
answer leaves about 10 µs after its time: the stubs wait by ``select``, whose timeout has
microseconds (that of ``epoll_wait`` has milliseconds), and spin for the last 100 µs.

A client is compared with what the stub really did: ``GET /log`` answers at once with the moments of
all requests since the last call, as JSON pairs of arrival and answer, in order of arrival.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOG = b"GET /log "

SPIN_S = 0.0001
"""Time to spin before an answer is due; waking up rarely takes longer."""

TIMESTAMP = 35
"""SO_TIMESTAMPNS of <asm/socket.h>, and the kind of the message that carries it."""
TIMESPEC = struct.Struct("ll")

STALL_EVERY_S = 10.0
STALL_S = 1.0

Moment = Callable[[float, bytes], float]
"""Returns when to answer a request, given the moment of its arrival and its bytes."""


def after_delay(now: float, request: bytes) -> float:
    """Return ``now`` plus the milliseconds that the path says: ``GET /5`` is 5 ms."""
    return now + float(request.split(b" ", 2)[1].strip(b"/")) / 1e3


def after_stall(now: float, _request: bytes) -> float:
    """Return ``now``, or the end of the current stall: the first second of every ten."""
    into = now % STALL_EVERY_S
    return now - into + STALL_S if into < STALL_S else now


def serve(port: int, moment: Moment) -> None:
    """Answer for ever."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.settimeout(0.0)
    connections: dict[int, socket.socket] = {}
    due: list[tuple[float, int, float]] = []
    log: list[tuple[float, float]] = []
    while True:
        wait_s = max(0.0, due[0][0] - time.time() - SPIN_S) if due else None
        readable, _, _ = select.select([listener.fileno(), *connections], [], [], wait_s)
        for fd in readable:
            if fd == listener.fileno():
                connection, _ = listener.accept()
                connection.settimeout(0.0)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
                connections[connection.fileno()] = connection
                continue
            try:
                request, came = receive(connections[fd])
            except OSError:
                request, came = b"", 0.0
            if request.startswith(LOG):
                connections[fd].settimeout(None)
                connections[fd].sendall(with_body(json.dumps(sorted(log)).encode()))
                connections[fd].settimeout(0.0)
                log.clear()
            elif request:
                heapq.heappush(due, (moment(came, request), fd, came))
            else:
                connections.pop(fd).close()
        while due and due[0][0] <= time.time():
            _, fd, came = heapq.heappop(due)
            if fd in connections:
                log.append((came, time.time()))
                with contextlib.suppress(OSError):  # the client has gone
                    connections[fd].send(ANSWER)


def with_body(body: bytes) -> bytes:
    """Return an answer that carries ``body``."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def receive(connection: socket.socket) -> tuple[bytes, float]:
    """Return a request, and when its last part arrived (seconds since the epoch)."""
    request, messages, _, _ = connection.recvmsg(65_536, socket.CMSG_SPACE(TIMESPEC.size))
    for _, kind, data in messages:
        if kind == TIMESTAMP:
            seconds, nanoseconds = TIMESPEC.unpack(data[: TIMESPEC.size])
            return request, seconds + nanoseconds / 1e9
    return request, time.time()


if __name__ == "__main__":
    serve(int(sys.argv[2]), {"delay": after_delay, "stall": after_stall}[sys.argv[1]])
