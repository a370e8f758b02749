"""A Docker engine's API on a socket: it knows objects of a project, and can hang or fail."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from loadtests.tools.docker import OWNER_LABEL, PROJECT_LABEL, RUN_LABEL


class EngineServer:
    """What the engine has, and how it behaves; ``asked`` notes each request."""

    def __init__(self, socket: Path) -> None:
        self.address = f"unix://{socket}"
        self.containers: dict[str, dict[str, Any]] = {}
        self.networks: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.hangs = threading.Event()
        self.goes_on = threading.Event()
        self.failing = 0

    def add_project(self, project: str, *, owner: str = "") -> None:
        """Add a container and a network, as Compose makes and labels them."""
        labels = {PROJECT_LABEL: project, RUN_LABEL: "a-run", OWNER_LABEL: owner}
        container = f"{project}-proxy-1"
        self.containers[container] = {"Id": container, "Names": ["/" + container], "Labels": labels}
        network = f"{project}_stack"
        self.networks[network] = {"Id": network, "Name": network, "Labels": labels}

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        self.asked.append(f"{method} {path}")
        if self.hangs.is_set():
            self.goes_on.wait(60)
        if self.failing:
            self.failing -= 1
            return 500, {"message": "the engine is ill"}
        words = [word for word in unquote(path).split("/") if word and not word.startswith("v1.")]
        if method == "DELETE":
            kept = self.containers if words[0] == "containers" else self.networks
            return (204, "") if kept.pop(words[1], None) else (404, {"message": "no such object"})
        return 200, {
            "version": {"Version": "28.0", "ApiVersion": "1.41"},
            "_ping": "OK",
            "containers": list(self.containers.values()),
            "networks": list(self.networks.values()),
            "volumes": {"Volumes": []},
        }.get(words[0], {})


@contextmanager
def serving(folder: Path) -> Iterator[EngineServer]:
    """Serve an engine at a socket in a folder with a short path."""
    socket = folder / "docker.sock"
    engine = EngineServer(socket)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            status, body = engine.answer(self.command, urlsplit(self.path).path)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_DELETE = do_HEAD = _respond  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "a client"

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that no longer waits is no error here."""

    with Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield engine
        finally:
            engine.goes_on.set()
            server.shutdown()
            thread.join()
