"""Answers for those who run the service: is it up, who is it, how much has it done."""

from __future__ import annotations

import os
import platform
import threading
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response

from app.application import this_app

blueprint = Blueprint("probes", __name__)

UNITS = {"gthread": "thread", "sync": "process", "gevent": "greenlet"}
"""What serves one request at a time, by worker model."""


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that this process answers; asks nobody else, and is not counted."""
    return {"status": "ok"}


@blueprint.get("/whoami")
def whoami() -> dict[str, object]:
    """Say which replica, process and thread or greenlet answered, and what it is made of."""
    config = this_app().config
    model = config["WORKER_MODEL"]
    return {
        "replica": config["REPLICA"],
        "pid": os.getpid(),
        # Under gevent, threading is patched and this is the greenlet's.
        "ident": threading.get_ident(),
        "served_by": UNITS.get(model),
        "worker_model": model,
        "versions": _versions(),
    }


@blueprint.get("/metrics")
def metrics() -> Response:
    """Count the requests of all processes of this replica, but for /healthz and /metrics."""
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
