# ruff: noqa: N999 - the name under which gunicorn looks for its settings
"""How gunicorn serves the application, by the environment; each default says why.

WORKER_MODEL (gthread, sync, gevent), WEB_CONCURRENCY (processes), THREADS (gthread only),
WORKER_CONNECTIONS (not sync), BIND, LOG_LEVEL.
"""

from __future__ import annotations

import gc
import os
import secrets
import sys
from mmap import PAGESIZE, mmap
from pathlib import Path
from typing import Any

MODELS = {"gthread": (1, 4), "sync": (4, 1), "gevent": (1, 1)}
"""Processes and threads by worker model: four requests at once in a thread or a process each, and
as many as there are connections in one process of greenlets."""


def _count(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        # Not an exception, for which gunicorn would show a traceback.
        sys.exit(f"{name}={text} is no whole number above 0.")
    return int(text)


model = os.environ.get("WORKER_MODEL") or "gthread"
if model not in MODELS:
    sys.exit(f"WORKER_MODEL={model} is unknown here; there are {', '.join(MODELS)}.")

worker_class = model
workers = _count("WEB_CONCURRENCY", MODELS[model][0])
threads = _count("THREADS", MODELS[model][1]) if model == "gthread" else 1
# Those that a proxy keeps idle count too, and at the limit no more are accepted: gunicorn's 1,000
# would be reached by a proxy with a few pools, long before a replica has much to do.
worker_connections = _count("WORKER_CONNECTIONS", 8192)
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
os.environ |= {
    "WORKER_MODEL": model,
    "WEB_CONCURRENCY": str(workers),
    "THREADS": str(threads),
    "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_hex(32),
}

counts = mmap(-1, PAGESIZE)
"""Made before the workers are forked, so that all of them see the same memory."""


def post_worker_init(worker: Any) -> None:
    """Let the application, now loaded, join the processes of its replica and begin to serve."""
    worker.wsgi.counters.share(counts, worker.age - 1)
    # What was loaded stays: a full collection need not look through it again. On a slow core that
    # takes 40 ms of CPU, for which a replica with a tenth of one answers nothing for 400 ms.
    gc.collect()
    gc.freeze()
    worker.wsgi.open()


def worker_exit(_server: Any, worker: Any) -> None:
    """Let the application end, unless it never began."""
    if worker.booted:
        worker.wsgi.close()
