"""Views for operations: is the replica up, which one is it, how much has it done."""

from __future__ import annotations

import os
import platform
import threading
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response

from app.application import this_app

blueprint = Blueprint("probes", __name__)

UNITS = {
    "gthread": "thread",
    "sync": "process",
    "gevent": "greenlet",
    "uwsgi-processes": "process",
    "uwsgi-threads": "thread",
    "uwsgi-gevent": "greenlet",
    "waitress": "thread",
    "granian": "thread",
    "cheroot": "thread",
    "mod-wsgi": "thread",
}
"""What serves one request at a time, by worker model; a test compares the keys with the harness."""


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer that this process is up; the store is not asked and the request is not counted."""
    return {"status": "ok"}


@blueprint.get("/whoami")
def whoami() -> dict[str, object]:
    """Return the replica, process and thread or greenlet that answers, and their versions."""
    config = this_app().config
    model = config["WORKER_MODEL"]
    return {
        "replica": config["REPLICA"],
        "pid": os.getpid(),
        # gevent patches threading, so there this is the greenlet's id.
        "ident": threading.get_ident(),
        "served_by": UNITS.get(model),
        "worker_model": model,
        "versions": _versions(),
    }


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the counts of all processes of this replica in Prometheus' text format."""
    text = this_app().counters.exposition()
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


@cache
def _versions() -> dict[str, str | None]:
    return {"python": platform.python_version()} | {
        name: _version(name) for name in ("flask", "werkzeug", "gunicorn", "gevent")
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
