"""Whether nginx says which configuration is in force."""

from __future__ import annotations

import http.server
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from loadtests.environments.processes import proxy
from loadtests.environments.processes.addresses import Addresses


class Nginx(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"7\n")

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def status_port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Nginx) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def places(status_port: int) -> Addresses:
    host = "127.0.0.1"
    return Addresses(
        replicas={}, proxy_host=host, status_port=status_port, store_host=host, store_port=9
    )


def test_a_proxy_of_the_shell_is_not_asked_for_our_own(
    status_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "_opener", None)  # made once, with the proxies of then
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert proxy.generation(places(status_port)) == 7


def test_an_nginx_that_does_not_answer_says_nothing() -> None:
    assert proxy.generation(places(9)) is None
