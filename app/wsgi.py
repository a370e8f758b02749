"""The application as ``app.wsgi:application``, for servers other than gunicorn.

Each process that serves imports this module. That connects the process to the store, and lets it
count its requests together with the replica's other processes. ``gunicorn.conf.py`` does the same
by gunicorn's hooks.
"""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

from app import create_app
from app.shared_counts import join

application = create_app()
# The processes of a replica have one parent, the server's first process.
name = f"app-counts-{application.config['REPLICA']}-{os.getppid()}"
join(application.counters, Path(tempfile.gettempdir()) / name)
# As in gunicorn.conf.py: a full collection would stop a slow replica for 400 ms.
gc.collect()
if hasattr(gc, "freeze"):  # PyPy has none
    gc.freeze()
application.open()
