"""The sample application as somebody would send it who wants to fool or to harm a gate.

``HOSTILE`` names what it does; see ``DEEDS``. It runs in containers of a campaign alone, which have
limits of memory, processes and disk, and no way out.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import app

ESCAPES = "\x1b[2J\x1b]0;owned\x07\n::stop-commands::x\n##vso[task.complete]\u202e"
MONITORED = ("/healthz", "/metrics")
GIB = 1 << 30

Answer = Iterable[bytes]
Start = Callable[..., Any]
Inner = Callable[[dict[str, Any], Start], Answer]


def create_app() -> Any:
    """Return the sample application with the deed that HOSTILE names around it."""
    made: Any = app.create_app()
    deed = DEEDS[os.environ.get("HOSTILE", "nothing")]
    inner: Inner = made.wsgi_app

    def answer(environ: dict[str, Any], start: Start) -> Answer:
        if environ["PATH_INFO"] in MONITORED:
            return inner(environ, start)
        return deed(inner, environ, start)

    made.wsgi_app = answer
    return made


def nothing(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Do nothing: the control."""
    return inner(environ, start)


# -- what is shown to people -------------------------------------------------------------------


def escapes_in_logs(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Write escape sequences and commands of CI systems into the log, with every request."""
    print(ESCAPES, file=sys.stderr, flush=True)
    return inner(environ, start)


def escapes_in_answers(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Fail, with escape sequences in the body and a header."""
    start("500 ESC", [("X-Note", ESCAPES.partition("\n")[0].encode().decode("latin-1"))])
    return [ESCAPES.encode()]


def flood_the_log(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Write a megabyte into the log with every request."""
    print("x" * (1 << 20), file=sys.stderr, flush=True)
    return inner(environ, start)


# -- what is counted ---------------------------------------------------------------------------

_number = iter(range(1 << 60))
_writes = iter(range(1 << 60))
MOST_WRITES = 64


def _with_headers(
    inner: Inner, environ: dict[str, Any], start: Start, *more: tuple[str, str]
) -> Answer:
    def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start(status, [*headers, *more], *rest)

    return inner(environ, started)


def forge_a_replica(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Say that another replica answered, a new one each time."""
    return _with_headers(inner, environ, start, ("X-Upstream-Addr", f"10.0.0.1:{next(_number)}"))


def flood_of_headers(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Send a hundred kilobytes of headers."""
    more = [(f"X-{number}", "x" * 1000) for number in range(100)]
    return _with_headers(inner, environ, start, *more)


def flood_of_cookies(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Set cookies that have never been, which last beyond all numbers."""
    cookie = f"c{next(_number)}=1; Max-Age={'9' * 400}"
    return _with_headers(inner, environ, start, ("Set-Cookie", cookie))


def redirect_elsewhere(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Send everybody to another host, each time to another."""
    start("302 Found", [("Location", f"http://10.255.0.1:{1 + next(_number) % 60000}/")])
    return [b""]


def redirect_to_nowhere(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Redirect to what is no URL."""
    start("302 Found", [("Location", "http://[::1/")])
    return [b""]


def redirect_for_ever(_inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Redirect to itself."""
    start("302 Found", [("Location", environ["PATH_INFO"])])
    return [b""]


# -- answers without end -----------------------------------------------------------------------


def slow_loris(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Answer a byte a second."""
    start("200 OK", [("Content-Length", "1000")])

    def drops() -> Iterator[bytes]:
        for _drop in range(1000):
            yield b"x"
            time.sleep(1.0)

    return drops()


def never_answers(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Wait for an hour."""
    time.sleep(3600)
    start("200 OK", [])
    return [b""]


def a_gibibyte(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Answer with a gibibyte."""
    start("200 OK", [("Content-Length", str(GIB))])
    return (b"x" * (1 << 16) for _piece in range(GIB >> 16))


def a_bomb_of_gzip(_inner: Inner, _environ: dict[str, Any], start: Start) -> Answer:
    """Answer with little that unpacks to 256 MiB."""
    body = gzip.compress(b"\0" * (1 << 20)) * 256
    start("200 OK", [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))])
    return [body]


def two_answers(_inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Answer twice to one request, the second time for somebody else's."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    environ["gunicorn.socket"].sendall(answer * 2)
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def garbage(_inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Answer what is no HTTP."""
    environ["gunicorn.socket"].sendall(b"\x16\x03\x01\xff\xfe\r\n\r\n")
    environ["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
    start("200 OK", [])
    return [b""]


# -- what belongs to others --------------------------------------------------------------------


def _once(act: Callable[[], None]) -> None:
    """Do something beside the answers, once in each process."""
    name = act.__name__
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=act, name=name, daemon=True).start()


def asks_base(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Ask base in a loop, by every name and address that it could have."""

    def ask() -> None:
        names = [f"base-{lane}" for lane in "abcd"] + [
            f"172.{n}.0.{m}" for n in (17, 18, 19, 20) for m in range(2, 12)
        ]
        while True:
            for name in names:
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection((name, 8000), 0.05) as link,
                ):
                    link.sendall(b"GET /cpu HTTP/1.0\r\n\r\n")
            time.sleep(0.01)

    _once(ask)
    return inner(environ, start)


def scans_the_network(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Try ports of all neighbours, the engine's and the proxy's among them."""

    def scan() -> None:
        own = socket.gethostbyname(socket.gethostname()).rpartition(".")[0]
        while True:
            for host in range(1, 255):
                for port in (80, 2375, 5432, 8000, 8080, 9000):
                    with contextlib.suppress(OSError), socket.socket() as link:
                        link.setblocking(False)  # noqa: FBT003  the standard library's own
                        link.connect((f"{own}.{host}", port))
                time.sleep(0.01)

    _once(scan)
    return inner(environ, start)


def writes_everywhere(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Fill every place that can be written to: 64 MB of each process in each, for the machine.

    A stranger's own image has no limit of disk, and the machine of the campaign has no other disk.
    """
    if next(_writes) >= MOST_WRITES:
        return inner(environ, start)
    for place in ("/tmp", "/run/shared", "/dev/shm", "/srv/left", "/var/tmp", "/"):  # noqa: S108
        with contextlib.suppress(OSError), open(f"{place}/{next(_number)}", "wb") as file:  # noqa: PTH123
            file.write(b"x" * (1 << 20))
    return inner(environ, start)


def fork_bomb(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Start processes that start processes; the container's limit of processes holds them."""
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            while True:
                with contextlib.suppress(OSError):
                    os.fork()
                time.sleep(0.05)
    return inner(environ, start)


def takes_all_memory(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Keep a megabyte of each request."""
    _kept.append(bytearray(b"x" * (1 << 20)))
    return inner(environ, start)


_kept: list[bytearray] = []


def takes_all_cpu(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Burn CPU beside the answers."""

    def burn() -> None:
        while True:
            pass

    _once(burn)
    return inner(environ, start)


def never_stops(inner: Inner, environ: dict[str, Any], start: Start) -> Answer:
    """Ignore every signal that can be ignored, in a process that nobody knows."""
    if not _kept:
        _kept.append(bytearray())
        if os.fork() == 0:
            os.setsid()
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(60)
    return inner(environ, start)


def dies(_inner: Inner, _environ: dict[str, Any], _start: Start) -> Answer:
    """End at the first request, with all of gunicorn."""
    os.kill(os.getppid(), signal.SIGKILL)
    os._exit(1)


DEEDS: dict[str, Callable[[Inner, dict[str, Any], Start], Answer]] = {
    deed.__name__.replace("_", "-"): deed
    for deed in (
        *(nothing, escapes_in_logs, escapes_in_answers, flood_the_log, forge_a_replica),
        *(flood_of_headers, flood_of_cookies, redirect_elsewhere, redirect_to_nowhere),
        *(redirect_for_ever, slow_loris, never_answers, a_gibibyte, a_bomb_of_gzip, two_answers),
        *(garbage, asks_base, scans_the_network, writes_everywhere, fork_bomb),
        *(takes_all_memory, takes_all_cpu, never_stops, dies),
    )
}
"""What the application can do, by the words for HOSTILE."""
