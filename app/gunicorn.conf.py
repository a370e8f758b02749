# ruff: noqa: N999 - the name under which gunicorn looks for its settings
"""How gunicorn serves the application, by the environment; each default says why.

WORKER_MODEL (gthread, sync, gevent), WEB_CONCURRENCY (processes), THREADS (gthread only),
WORKER_CONNECTIONS (gevent only), BIND, LOG_LEVEL.
"""

from __future__ import annotations

import os
import secrets
from mmap import PAGESIZE, mmap
from pathlib import Path
from typing import Any

MODELS = {"gthread": (1, 4), "sync": (4, 1), "gevent": (1, 1)}
"""Processes and threads by worker model: four requests at once in a thread or a process each, and
as many as there are connections in one process of greenlets."""

model = os.environ.get("WORKER_MODEL", "gthread")
if model not in MODELS:
    msg = f"WORKER_MODEL={model} is unknown here; there are {', '.join(MODELS)}."
    raise ValueError(msg)

worker_class = model
workers = int(os.environ.get("WEB_CONCURRENCY", MODELS[model][0]))
threads = int(os.environ.get("THREADS", MODELS[model][1])) if model == "gthread" else 1
worker_connections = int(os.environ.get("WORKER_CONNECTIONS", "1000"))
bind = os.environ.get("BIND", "0.0.0.0:8000")
backlog = 2048

# Longer than any proxy keeps an idle connection: the side that closes first must be the proxy,
# or a request sometimes meets a closed door. (sync workers close after each answer by design.)
keepalive = 75
graceful_timeout = 5
# The heartbeat file must not lie on a disk, which may block; and the root may be read-only.
memory_disk = Path("/dev/shm")  # noqa: S108 - gunicorn makes the file itself, and unlinks it
worker_tmp_dir = str(memory_disk) if memory_disk.is_dir() else None
control_socket_disable = True
# Workers live as long as the replica: a restart in between would be a dip without a cause.
max_requests = 0
# Each worker loads the application itself, after gevent has patched what it imports.
preload_app = False

loglevel = os.environ.get("LOG_LEVEL", "info")
accesslog = None
errorlog = "-"

# The application learns what is in force, and all processes of a replica share one key.
os.environ["WORKER_MODEL"] = model
os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))

counts = mmap(-1, PAGESIZE)
"""Made before the workers are forked, so that all of them see the same memory."""


def post_worker_init(worker: Any) -> None:
    """Let the application, now loaded, join the other processes of its replica."""
    worker.wsgi.join(counts, worker.age - 1)
