"""gunicorn: its command line, and the settings that go by its environment. Pure."""

from __future__ import annotations

import importlib.util

from loadtests.model.plan import WorkerModel

CONNECTIONS = 8192
"""Connections of one worker process. gunicorn's 1000 is too few: the proxy keeps idle ones for a
minute for each cell that a replica belongs to, and at the limit gunicorn accepts no more."""


def serve_argv(python: str, *, config: str, application: str) -> tuple[str, ...]:
    """Give the command that serves ``application`` with the settings of a configuration file."""
    return (python, "-m", "gunicorn", "--config", config, application)


def environment(
    worker: WorkerModel, *, name: str, bind: str, secret_key: str, database_url: str | None = None
) -> dict[str, str]:
    """Give the variables that ``app/gunicorn.conf.py`` and the application read.

    ``secret_key`` has to be the same for all replicas, or a session begun on one is unknown to the
    others.
    """
    return {
        "WORKER_MODEL": worker.name,
        "WEB_CONCURRENCY": str(worker.processes),
        "THREADS": str(worker.threads),
        "WORKER_CONNECTIONS": str(CONNECTIONS),
        "BIND": bind,
        "REPLICA": name,
        "SECRET_KEY": secret_key,
        # Set in any case, so that one from this process's own environment is not used.
        "DATABASE_URL": database_url or "",
    }


def missing_modules(
    modules: tuple[str, ...] = ("gunicorn", "flask", "gevent", "psycopg"),
) -> tuple[str, ...]:
    """Give those of the modules that a replica needs which this Python has not."""
    return tuple(name for name in modules if importlib.util.find_spec(name) is None)
