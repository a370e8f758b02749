"""The registry of web servers, one line each. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.config import names
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Interface
from loadtests.servers import (
    cheroot,
    development,
    granian,
    gunicorn,
    mod_wsgi,
    own_command,
    uwsgi,
    waitress,
)
from loadtests.servers.asynchronous import daphne, hypercorn, uvicorn
from loadtests.servers.server import Server

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        gunicorn.SERVER,
        uwsgi.SERVER,
        waitress.SERVER,
        granian.SERVER,
        cheroot.SERVER,
        mod_wsgi.SERVER,
        uvicorn.SERVER,
        hypercorn.SERVER,
        daphne.SERVER,
        development.SERVER,
        own_command.SERVER,
    )
}

DEFAULT = gunicorn.SERVER.name
"""The server whose worker models a run measures where none is named."""

DEFAULT_ASYNC = uvicorn.SERVER.name
"""The same for an asynchronous application."""


def worker_models() -> dict[str, WorkerModel]:
    """Return the worker models of all servers by name, in registry order."""
    return {worker.name: worker for server in SERVERS.values() for worker in server.worker_models}


def default_models(interface: Interface | None = None) -> tuple[str, ...]:
    """Return the names of the worker models that are measured where none is named."""
    server = DEFAULT_ASYNC if interface is Interface.ASGI else DEFAULT
    return tuple(worker.name for worker in SERVERS[server].worker_models)


def default_server_models() -> dict[str, WorkerModel]:
    """Return the worker models of the default server by name."""
    return {worker.name: worker for worker in SERVERS[DEFAULT].worker_models}


def image_models() -> dict[str, WorkerModel]:
    """Return the worker models that an image starts by itself, told by a variable."""
    return {
        worker.name: worker
        for server in SERVERS.values()
        for worker in server.worker_models
        if not server.container(worker).argv
    }


def of(worker: WorkerModel) -> Server:
    """Return the server of a worker model; raises :class:`UsageError` if there is none."""
    names.check("server", (worker.server,), SERVERS)
    return SERVERS[worker.server]


def can_serve(worker: WorkerModel, interface: Interface | None) -> bool:
    """Return whether a worker model serves applications of an interface, as far as it is known."""
    return interface is None or worker.as_started or interface in of(worker).serves(worker)


def server_of(worker: str) -> Server:
    """Return the server that has a built-in worker model of this name."""
    return next(
        server
        for server in SERVERS.values()
        if worker in {model.name for model in server.worker_models}
    )


def recognised(log: str, processes: Sequence[ServerProcess]) -> Server | None:
    """Return the server that the command lines of a replica's processes start, or None.

    Where they start none that is known, what a server writes into its log as it starts decides.
    """
    for server in SERVERS.values():
        if any(server.is_run_by(process.command) for process in processes):
            return server
    spoke = (server for server in SERVERS.values() if server.says and server.says.search(log))
    return next(spoke, None)
