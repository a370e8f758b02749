"""The application's configuration, read from environment variables."""

from __future__ import annotations

import math
import secrets
import socket
from collections.abc import Mapping
from typing import Any

GEVENT_CONNECTIONS = 10
"""Connections to the store in a gevent process, whose number of greenlets is not limited. A read
takes about a millisecond, so ten connections serve more than one process can ask for."""
BODY_MAX_BYTES = 64 * 1024
"""Bytes in a request's body. Only notes have one, and they are short."""


class SettingError(ValueError):
    """An environment variable has a value that cannot be used."""


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Flask's configuration from the variables in ``environ``.

    ``SECRET_KEY`` must be the same for all replicas; otherwise a session that began on one is
    unknown to the others. Without it this process makes its own key, which is enough for a trial.
    ``gunicorn.conf.py`` sets ``WORKER_MODEL`` and ``THREADS``. Without them there is no worker
    model, and one thread.

    Raises:
        SettingError: a variable has a value that cannot be used.
    """
    threads = int(number(environ, "THREADS", default=1, low=1, high=1000))
    model = environ.get("WORKER_MODEL")
    greenlets = (model or "").endswith("gevent")
    connections = GEVENT_CONNECTIONS if greenlets else threads
    return {
        "SECRET_KEY": environ.get("SECRET_KEY") or secrets.token_hex(32),
        "MAX_CONTENT_LENGTH": BODY_MAX_BYTES,
        "REPLICA": environ.get("REPLICA") or socket.gethostname(),
        "WORKER_MODEL": model,
        "DATABASE_URL": environ.get("DATABASE_URL") or None,
        "DATABASE_CONNECTIONS": connections,
    }


def number(
    environ: Mapping[str, str], name: str, *, default: float, low: float, high: float
) -> float:
    """Return the number in the variable ``name``, or ``default`` if it is not set.

    Raises:
        SettingError: it is not a number from ``low`` to ``high``.
    """
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise SettingError(f"{name}={text} is no number from {low} to {high}.")
    return value
