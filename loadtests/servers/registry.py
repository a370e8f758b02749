"""The registry of web servers, one line each. PURE."""

from __future__ import annotations

from loadtests.model.plan import WorkerModel
from loadtests.servers import gunicorn
from loadtests.servers.server import Server

SERVERS: dict[str, Server] = {server.name: server for server in (gunicorn.SERVER,)}


def worker_models() -> dict[str, WorkerModel]:
    """Return the worker models of all servers by name, in registry order."""
    return {worker.name: worker for server in SERVERS.values() for worker in server.worker_models}


def server_of(worker: str) -> Server:
    """Return the server of a worker model."""
    return next(
        server
        for server in SERVERS.values()
        if worker in {model.name for model in server.worker_models}
    )
