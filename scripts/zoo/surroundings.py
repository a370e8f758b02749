"""What the applications with planted causes need: a slow service, slow names, a store, a log."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import postgres, proc

PROJECT = Path(__file__).resolve().parents[2]

SERVICE_S = 0.2
"""How long the slow service and the slow name server take."""

NAME_SERVER = "127.0.53.1"
"""An address of this machine on which nothing else answers to names."""

ROWS = 400_000
"""Of the table without an index; reading it takes some 30 ms."""


@contextmanager
def needed(needs: Collection[str]) -> Iterator[dict[str, str]]:
    """Start what an application needs, and provide its environment variables."""
    with tempfile.TemporaryDirectory(prefix="causes-", dir="/tmp") as folder:
        if "log" in needs:
            yield {"SHARED_LOG": f"{folder}/shop.log"}
        elif "service" in needs:
            with slow_service() as url:
                yield {"SERVICE_URL": url}
        elif "names" in needs:
            with slow_names():
                yield {"NAME_SERVER": NAME_SERVER}
        elif "store" in needs:
            with store(Path(folder)) as url:
                yield {"DATABASE_URL": url}
        else:
            yield {}


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(SERVICE_S)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the class has it
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """As many may connect at once: with 5, as usual, others would have to try again after 1 s."""


@contextmanager
def slow_service() -> Iterator[str]:
    """Serve an answer after a pause; provide the URL."""
    server = _Server(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def slow_names() -> Iterator[None]:
    """Answer each question for a name after a pause; it needs the right to bind port 53."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((NAME_SERVER, 53))
        bound.settimeout(0.5)
        stopped = threading.Event()

        def answer(question: bytes, asker: Any) -> None:
            time.sleep(SERVICE_S)
            bound.sendto(question[:2] + b"\x81\x80" + question[4:] + b"\x7f\0\0\1", asker)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    question, asker = bound.recvfrom(512)
                except TimeoutError:
                    continue
                threading.Thread(target=answer, args=(question, asker), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


@contextmanager
def store(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL of its own with the tables of the applications; provide its URL."""
    import psycopg

    programs = postgres.find_programs()
    if programs is None:
        raise EnvironmentFailure(postgres.MISSING)
    folder.chmod(0o711)
    data = folder / "store"
    data.mkdir(mode=0o700)
    for name in ("start-store", "postgresql.conf"):
        shutil.copy(PROJECT / "compose/store" / name, data)
    owner = postgres.owner()
    if owner is not None:
        for path in (data, *data.iterdir()):
            shutil.chown(path, owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password = secrets.token_hex(16)
    argv = postgres.start_argv(str(data / "start-store"), owner=owner)
    variables = postgres.environment(
        programs=str(programs.folder),
        folder=str(data),
        config=str(data / "postgresql.conf"),
        host="127.0.0.1",
        port=port,
        password=password,
        connections=100,
    )
    with proc.Service(argv, log=folder / "store.log", env=variables, cwd=data) as service:
        ready = postgres.ready_argv(programs, host="127.0.0.1", port=port)
        proc.wait_until(
            lambda: proc.run(ready, check=False).code == 0,
            limit_s=30.0,
            failure=lambda: (folder / "store.log").read_text()[-500:],
        )
        url = postgres.url(host="127.0.0.1", port=port, password=password)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE stock (id int PRIMARY KEY, left_over int)")
            connection.execute("INSERT INTO stock VALUES (1, 1000000)")
            connection.execute("CREATE TABLE items (name text)")
            rows = "INSERT INTO items SELECT 'item ' || n FROM generate_series(1, %s) AS n"
            connection.execute(rows, (ROWS,))
        try:
            yield url
        finally:
            service.signal(signal.SIGINT)  # disconnects its clients; SIGTERM would wait for them
