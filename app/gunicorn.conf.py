# ruff: noqa: N999 - the name under which gunicorn looks for its settings
"""gunicorn's settings, which these environment variables change.

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
"""Default processes and threads of each worker model. Threads and processes serve four requests at
once; gevent's one process serves as many as there are connections."""


def _count(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        # gunicorn would show a traceback for an exception.
        sys.exit(f"{name}={text} is no whole number above 0.")
    return int(text)


model = os.environ.get("WORKER_MODEL") or "gthread"
if model not in MODELS:
    sys.exit(f"WORKER_MODEL={model} is unknown here; there are {', '.join(MODELS)}.")

worker_class = model
workers = _count("WEB_CONCURRENCY", MODELS[model][0])
threads = _count("THREADS", MODELS[model][1]) if model == "gthread" else 1
# Idle connections count too, and at the limit gunicorn accepts no more. A proxy with several pools
# reaches gunicorn's default of 1,000 long before the replica is busy.
worker_connections = _count("WORKER_CONNECTIONS", 8192)
bind = os.environ.get("BIND", "0.0.0.0:8000")
backlog = 2048

# Longer than the proxy keeps an idle connection. If this side closed first, the proxy would
# sometimes send a request into a closed connection. (sync workers close after each response.)
keepalive = 75
graceful_timeout = 5
# The heartbeat file must not be on a disk, which may block; and the root may be read-only.
memory_disk = Path("/dev/shm")  # noqa: S108 - gunicorn makes the file itself, and unlinks it
worker_tmp_dir = str(memory_disk) if memory_disk.is_dir() else None
control_socket_disable = True
# Workers are never restarted: throughput would drop for no visible reason.
max_requests = 0
# Each worker loads the application itself, after gevent has patched the standard library.
preload_app = False

loglevel = os.environ.get("LOG_LEVEL", "info")
accesslog = None
errorlog = "-"

# The application reads these. All processes of a replica must share one key.
os.environ |= {
    "WORKER_MODEL": model,
    "WEB_CONCURRENCY": str(workers),
    "THREADS": str(threads),
    "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_hex(32),
}

counts = mmap(-1, PAGESIZE)
"""Created before the workers are forked, so that they all share this memory."""


def post_worker_init(worker: Any) -> None:
    """Share the counters with the replica's other processes, then open the application."""
    worker.wsgi.counters.share(counts, worker.age - 1)
    # What is loaded now stays, so a full garbage collection need not look at it again. That takes
    # 40 ms on a slow core, and a replica with a tenth of a core would not answer for 400 ms.
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.freeze()
    worker.wsgi.open()


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the application, if it was opened."""
    if worker.booted:
        worker.wsgi.close()
