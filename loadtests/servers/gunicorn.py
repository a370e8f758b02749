"""gunicorn: its worker models, its command line, and the settings in its environment. PURE."""

from __future__ import annotations

import importlib.util

from loadtests.model.plan import WorkerModel
from loadtests.servers.server import Command, ReplicaOrder, Server

CONFIG = "app/gunicorn.conf.py"
"""The settings of the sample application; the command is started in the folder above it."""

WORKER_MODELS = (
    # Four slots each for threads and processes, so that the two are compared on equal terms; few
    # enough that `io` fills the slots before the smallest budget's CPU (4 ÷ 50 ms × 0.6 ms ≈ 5 %).
    WorkerModel(name="gthread", processes=1, threads=4, slots=4),
    WorkerModel(name="sync", processes=4, threads=1, slots=4),
    WorkerModel(name="gevent", processes=1, threads=1, slots=None),
)
"""``app/gunicorn.conf.py`` stands alone and has the same figures; a test holds them equal."""

CONNECTIONS = 8192
"""Connections of one worker process. gunicorn's 1000 is too few: the proxy keeps idle ones for a
minute for each cell that a replica belongs to, and at the limit gunicorn accepts no more."""


def serve_argv(python: str, *, config: str, application: str) -> tuple[str, ...]:
    """Give the command that serves ``application`` with the settings of a configuration file."""
    return (python, "-m", "gunicorn", "--config", config, application)


def worker_settings(worker: WorkerModel) -> dict[str, str]:
    """Give the variables that set the worker model, its processes and its threads."""
    return {
        "WORKER_MODEL": worker.name,
        "WEB_CONCURRENCY": str(worker.processes),
        "THREADS": str(worker.threads),
    }


def environment(
    worker: WorkerModel, *, name: str, bind: str, secret_key: str, database_url: str | None = None
) -> dict[str, str]:
    """Give the variables that ``app/gunicorn.conf.py`` and the application read.

    ``secret_key`` has to be the same for all replicas, or a session begun on one is unknown to the
    others.
    """
    return {
        **worker_settings(worker),
        "WORKER_CONNECTIONS": str(CONNECTIONS),
        "BIND": bind,
        "REPLICA": name,
        "SECRET_KEY": secret_key,
        # Set in any case, so that one from this process's own environment is not used.
        "DATABASE_URL": database_url or "",
    }


def command(order: ReplicaOrder) -> Command:
    """Give the command and the variables of one replica."""
    return Command(
        argv=serve_argv(order.python, config=CONFIG, application=order.application),
        env=environment(
            order.worker,
            name=order.name,
            bind=order.bind,
            secret_key=order.secret_key,
            database_url=order.database_url,
        ),
    )


def container(worker: WorkerModel) -> Command:
    """Give the variables of a replica's container; its image starts gunicorn by itself."""
    return Command(argv=(), env=worker_settings(worker))


SERVER = Server(
    name="gunicorn",
    about="threads, processes or greenlets",
    worker_models=WORKER_MODELS,
    command=command,
    container=container,
)


def missing_modules(
    modules: tuple[str, ...] = ("gunicorn", "flask", "gevent", "psycopg"),
) -> tuple[str, ...]:
    """Give those of the modules that a replica needs which this Python has not."""
    return tuple(name for name in modules if importlib.util.find_spec(name) is None)
