"""Raw servers, written by hand, and clients that ask them: all in this process's event loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Importing Locust patches the process for gevent, which other tests have no use for. What is
# tested here uses gevent by name; the program as a whole is tested as a child process.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from gevent.server import StreamServer
from locust.env import Environment

from loadtests.generator.http.client import HttpClient
from loadtests.generator.http.reporter import Reporter
from loadtests.generator.load import Load
from loadtests.generator.recorder import Recorder

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Handler = Callable[[Any], None]
"""Speaks with one connection, a gevent socket; it is closed afterwards."""

Serve = Callable[[Handler], str]
"""Starts a server and returns its URL."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = []

    def start(handler: Handler) -> str:
        def handle(connection: Any, _address: Any) -> None:
            try:
                handler(connection)
            except OSError:
                pass  # the client went first
            finally:
                connection.close()

        server = StreamServer(("127.0.0.1", 0), handle)
        server.start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.stop()


def answering(*answers: bytes) -> Handler:
    """Return a handler that gives the ``answers`` in turn, the last one again and again."""
    left = list(answers)

    def handle(connection: Any) -> None:
        while connection.recv(65_536):
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return handle


class Asker:
    """A client, and all that it reports to."""

    def __init__(self, url: str, **load: Any) -> None:
        self.environment = Environment()
        self.environment.create_local_runner()
        self.recorder = Recorder()
        self.load = Load(recorder=self.recorder, **load)
        self.stats: Any = self.environment.stats
        self.client = HttpClient(
            base_url=url,
            load=self.load,
            reporter=Reporter(self.environment, self.recorder, lambda: {"user": "context"}),
        )

    def rows(self, column: str) -> list[int]:
        """Return one column of the record."""
        values: list[int] = self.recorder.samples(0.0).columns[column].tolist()
        return values
