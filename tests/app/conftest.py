from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
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


@pytest.fixture
def app() -> Application:
    return create_app({"TESTING": True, "SECRET_KEY": "test", "REPLICA": "replica-1"})


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

    def ask(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
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
    """Start gunicorn with more environment; all are stopped, and waited for, after the module."""
    logs = tmp_path_factory.mktemp("gunicorn")
    with contextlib.ExitStack() as stack:

        def start(**environment: str) -> Server:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                address = f"127.0.0.1:{free.getsockname()[1]}"
            log = logs / f"{address}.log"
            stack.enter_context(_gunicorn({**environment, "BIND": address}, log))
            server = Server(address, log)
            _wait_until_it_answers(server)
            return server

        yield start


@contextlib.contextmanager
def _gunicorn(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    argv = [sys.executable, "-m", "gunicorn", "--config", "app/gunicorn.conf.py"]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*argv, "app:create_app()"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def _wait_until_it_answers(server: Server) -> None:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            server.get("/healthz")
            return
        time.sleep(0.05)
    pytest.fail(f"gunicorn did not answer on {server.address} in 20 s:\n{server.log.read_text()}")
