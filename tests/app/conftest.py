from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.application import Application

ROOT = Path(__file__).parents[2]
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "app/gunicorn.conf.py")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Start PostgreSQL with files of its own on a free port of the loopback interface."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(programs[-1]) if programs else None)
    if found is None:
        pytest.skip("no PostgreSQL server on this machine: `apt-get install postgresql`")
    with tempfile.TemporaryDirectory(prefix="twofold-postgresql-") as folder:
        # PostgreSQL refuses to run as root; its Debian package has made a user for it.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        argv = (found, "--pgdata=data", "--auth=trust", "--username=app", "--no-sync")
        subprocess.run(argv, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        server = (
            *(str(Path(found).with_name("postgres")), "-D", "data", "-p", str(port)),
            *("-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"),
        )
        with (
            Path(folder, "log").open("w") as log,
            subprocess.Popen(server, cwd=folder, user=user, stderr=log) as process,
        ):
            try:
                yield f"postgresql://app@127.0.0.1:{port}/postgres"
            finally:
                process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"


@pytest.fixture
def app() -> Application:
    return create_app({"TESTING": True, "SECRET_KEY": "test", "REPLICA": "replica-1"})


@pytest.fixture
def stored_app(database_url: str) -> Iterator[Application]:
    """An application with a store that answers."""
    app = create_app({"TESTING": True, "DATABASE_URL": database_url})
    app.open()
    yield app
    app.close()


@pytest.fixture
def client(app: Application) -> FlaskClient:
    return app.test_client()


class Server:
    """A real gunicorn on a free port of the loopback interface."""

    def __init__(self, address: str, log: Path) -> None:
        self.address = address
        self.log = log

    def get(self, path: str) -> str:
        return self.ask(path)[1]

    def ask(self, path: str, *, method: str = "GET", data: str = "") -> tuple[int, str]:
        url = f"http://{self.address}{path}"
        request = urllib.request.Request(url, data.encode() or None, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def whoami(self) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.get("/whoami"))
        return answer


Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start the application with more environment; all are stopped after the module."""
    with serving("app:create_app()", tmp_path_factory.mktemp("gunicorn")) as start:
        yield start


@contextlib.contextmanager
def serving(application: str, logs: Path) -> Iterator[Serve]:
    """Give a function that starts gunicorn; stop what it started, and wait for that, at the end."""
    argv = (*GUNICORN, application)
    processes: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> Server:
        server = Server(f"127.0.0.1:{free_port()}", logs / str(len(processes)))
        environ = {**os.environ, **environment, "BIND": server.address}
        with server.log.open("w") as log:
            processes.append(subprocess.Popen(argv, cwd=ROOT, env=environ, stderr=log))
        _wait_until_it_answers(server)
        return server

    try:
        yield start
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def failed_start(
    application: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Start gunicorn where it cannot start, and wait for its end."""
    return subprocess.run(
        (*GUNICORN, application, "--bind", "127.0.0.1:0"),
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def _wait_until_it_answers(server: Server) -> None:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            server.get("/healthz")
            return
        time.sleep(0.05)
    pytest.fail(f"gunicorn did not answer on {server.address} in 20 s:\n{server.log.read_text()}")
