"""One HTTP/1.1 connection on the event loop: sends a request and receives its answer.

The connection watches its socket all the time, and parses in the event loop's greenlet. It switches
to the user's greenlet once, when the answer is complete. So a request costs two system calls and
two switches, and the connection notices at once when the server closes it.

An answer is complete when its last part arrived in the kernel (Linux notes that moment). The time
until this process reads it, behind other greenlets or programs, does not count.
"""

from __future__ import annotations

import contextlib
import errno
import math
import socket as patched_socket
from time import monotonic
from typing import Any

import gevent
from gevent.monkey import get_original
from gevent.socket import wait_write
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from loadtests.generator.http.head import ends_by_closing, final_head, known_answer, remember
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.kernel import (
    IS_LINUX,
    STAMP_BYTES,
    TIMESTAMP,
    arrived_at,
    may_have_received,
)

RECEIVE_BYTES = 65_536
"""Most bytes per read; larger than most answers."""

MAX_HEAD_BYTES = 65_536
"""Limit for one answer's header; proxies accept 4 to 8 KiB by default, browsers some 100 KiB."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Limit for one answer's body, because it is held in memory until it is complete."""

MAX_HELD_BYTES = 256 * 1024 * 1024
"""Limit for the bodies that come in several parts, of all connections of this process together.

The generator's container has 1 GiB, and a test has hundreds of users."""

_held = {"bytes": 0}
"""What these bodies have now; each connection releases its own with its next request."""

plain_socket: Any = get_original("socket", "socket")
"""The socket class before gevent's patching; it never blocks here, so it needs no wrapper."""

OUTCOME_OF_ERRNO = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.ECONNRESET: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
    errno.ECONNABORTED: Outcome.RESET,
    errno.ETIMEDOUT: Outcome.TIMEOUT,
}


class ConnectFailed(Exception):
    """No connection could be made; ``outcome`` is the kind of failure."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome


class StaleConnection(Exception):
    """The server closed this connection before any of the request reached it: nobody read it."""


class Connection:
    """A connection that is open from its construction until ``usable`` is False.

    After ``exchange``, the answer is in ``status``, ``raw`` (the received bytes, at least up to
    the end of the header) and ``body()``. ``done`` is the moment when it was complete.
    """

    __slots__ = (
        "_arrived_at",
        "_asking",
        "_awaited",
        "_before",
        "_body",
        "_hub",
        "_only_head",
        "_outcome",
        "_parser",
        "_received",
        "_send",
        "_sent",
        "_socket",
        "_stale",
        "_used",
        "_watcher",
        "deadline",
        "done",
        "on_body",
        "raw",
        "status",
        "usable",
    )

    def __init__(self, family: int, address: tuple[Any, ...], timeout_s: float) -> None:
        """Connect to ``address`` within ``timeout_s``; raises ``ConnectFailed``."""
        self._socket = connect(family, address, timeout_s)
        self._send = self._socket.send
        self._hub = gevent.get_hub()
        self._asking: Any = None
        self._arrived_at = 0.0
        self._awaited = False
        self._only_head = False
        self._used = self._stale = False
        self._sent = self._before = 0  # bytes: all of them, and those of earlier requests
        self._outcome: Outcome | None = None
        self._body: list[bytes] = []
        self._received = 0
        self.on_body = self._body.append
        self.deadline = math.inf
        self.status = 0
        self.raw = b""
        self.done = 0.0
        self.usable = True
        self._parser: Any = HttpResponseParser(self)
        self._watcher = self._hub.loop.io(self._socket.fileno(), 1)
        self._watcher.start(self._readable)

    def exchange(self, request: bytes, deadline: float, *, only_head: bool = False) -> Outcome:
        """Send ``request``, wait for its answer, and return how that ended.

        The answer must come before ``deadline`` (monotonic clock). ``only_head`` is for answers to
        HEAD, whose header announces a body that does not come. Returns OK for a complete answer of
        any status; raises ``StaleConnection``.
        """
        self._only_head = only_head
        self._outcome = None
        self._awaited = True
        self._arrived_at = 0.0
        self.raw = b""
        self.status = 0
        self._body.clear()
        if self._received:
            _held["bytes"] -= self._received
            self._received = 0
        self.deadline = deadline
        self._before = self._sent
        try:
            self._send_whole(request)
            if self._outcome is None:
                self._asking = gevent.getcurrent()
                self._hub.switch()
        except BaseException:
            self._asking = None
            self.close()
            raise
        if self._stale:
            raise StaleConnection
        return self._outcome  # type: ignore[return-value]  # set by _end before it switches here

    def body(self) -> bytes:
        """Return the body of the last answer."""
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def fail(self, outcome: Outcome) -> None:
        """End the request in flight with ``outcome``; the pool calls this at the time limit.

        The event loop does it soon: only the event loop may switch to the waiting greenlet.
        """
        self._hub.loop.run_callback(self._fail_now, outcome)

    def close(self) -> None:
        """Close the connection; it is not usable afterwards."""
        if self._parser is None:
            return
        self.usable = self._awaited = False
        self.deadline = math.inf
        _held["bytes"] -= self._received
        self._received = 0
        self._parser = None  # breaks the reference cycle, so that the memory is freed at once
        self._watcher.stop()
        self._watcher.close()
        self._socket.close()

    def on_message_complete(self) -> None:
        """Store the status of a complete answer; the parser calls this."""
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        if self.status:
            self._outcome = Outcome.MALFORMED  # a second answer to one request
            return
        self.status = status
        if not self._parser.should_keep_alive():
            self.usable = False

    def _readable(self) -> None:
        try:
            data, notes, _, _ = self._socket.recvmsg(RECEIVE_BYTES, STAMP_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._arrived_at = 0.0
            self._end(Outcome.RESET)
            return
        self._arrived_at = arrived_at(notes)
        if not data or not self._awaited:
            self._end(self._outcome_of_closing())
            return
        is_first = not self.raw
        if is_first and not self._only_head and (known := known_answer(data)) is not None:
            self.raw = data
            self.status, body, self.usable = known
            self._body.append(body)
            self._end(Outcome.OK)
            return
        self.raw = data if is_first else self._grown(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._end(Outcome.MALFORMED)
            return
        if self.status:
            if is_first and self._outcome is None and not self._only_head:
                remember(data, self.status, self.body(), kept=self.usable)
            self._end(self._outcome or Outcome.OK)
        else:
            self._check_unfinished(len(data))

    def _grown(self, data: bytes) -> bytes:
        """Return ``raw`` with ``data`` added until the header is complete, then ``raw`` alone."""
        return self.raw if final_head(self.raw) is not None else self.raw + data

    def _check_unfinished(self, received: int) -> None:
        head = final_head(self.raw)
        if head is None:
            if len(self.raw) > MAX_HEAD_BYTES:
                self._end(Outcome.HEADER_TOO_LARGE)
            return
        if len(head) > MAX_HEAD_BYTES:
            self._end(Outcome.HEADER_TOO_LARGE)
        elif self._only_head:
            self.status = self._parser.get_status_code()
            self.usable = self._parser.should_keep_alive()
            self._parser = HttpResponseParser(self)
            self._end(Outcome.OK)
        else:
            self._received += received
            _held["bytes"] += received
            if self._received > MAX_BODY_BYTES or _held["bytes"] > MAX_HELD_BYTES:
                self._end(Outcome.BODY_TOO_LARGE)

    def _outcome_of_closing(self) -> Outcome:
        self.usable = False
        if not self.raw:
            self._stale = (
                self._awaited
                and self._before > 0
                and not may_have_received(self._socket, self._before)
            )
            return Outcome.CLOSED_EARLY
        head = final_head(self.raw)
        if head is None or not ends_by_closing(head):
            return Outcome.TRUNCATED
        self.status = self._parser.get_status_code()
        return Outcome.OK

    def _send_whole(self, request: bytes) -> None:
        try:
            taken = self._send(request)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            if self._used:
                raise StaleConnection from error
            self._end(Outcome.RESET)
            return
        self._used = True
        self._sent += taken
        if taken < len(request):
            self._send_rest(memoryview(request)[taken:])

    def _send_rest(self, rest: memoryview) -> None:
        """Send what the kernel did not accept at once; stop if the answer comes first."""
        writable = self._hub.loop.io(self._socket.fileno(), 2)
        try:
            while rest and self._outcome is None:
                self._asking = gevent.getcurrent()
                writable.start(self._asking.switch)
                self._hub.switch()
                writable.stop()
                self._asking = None
                if self._outcome is None:
                    with contextlib.suppress(BlockingIOError):
                        taken = self._send(rest)
                        self._sent += taken
                        rest = rest[taken:]
        except OSError:
            self._end(Outcome.RESET)
        finally:
            writable.stop()
            writable.close()

    def _fail_now(self, outcome: Outcome) -> None:
        self._arrived_at = 0.0  # it ends now, not when its last part arrived
        if self._awaited:
            self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self.done = self._arrived_at or monotonic()
        self._outcome = outcome
        self._awaited = False
        self.deadline = math.inf
        if outcome is not Outcome.OK or not self.usable:
            self.close()
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.switch()


def connect(family: int, address: tuple[Any, ...], timeout_s: float) -> Any:
    """Return a connected non-blocking socket; raises ``ConnectFailed``."""
    sock = plain_socket(family, patched_socket.SOCK_STREAM)
    try:
        sock.settimeout(0.0)
        sock.setsockopt(patched_socket.IPPROTO_TCP, patched_socket.TCP_NODELAY, 1)
        if IS_LINUX:
            sock.setsockopt(patched_socket.SOL_SOCKET, TIMESTAMP, 1)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            wait_write(sock.fileno(), timeout_s)
            code = sock.getsockopt(patched_socket.SOL_SOCKET, patched_socket.SO_ERROR)
    except TimeoutError:
        sock.close()
        raise ConnectFailed(Outcome.TIMEOUT, f"no connection in {timeout_s} s") from None
    except BaseException:
        sock.close()
        raise
    if code:
        sock.close()
        outcome = OUTCOME_OF_ERRNO.get(code, Outcome.UNREACHABLE)
        raise ConnectFailed(outcome, errno.errorcode.get(code, str(code)))
    return sock
