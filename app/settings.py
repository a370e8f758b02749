"""The application's settings, from the environment that it is started in."""

from __future__ import annotations

import math
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Any

GEVENT_CONNECTIONS = 10
"""Connections to the store in a process of greenlets, which has no slots to count: a read takes
about a millisecond, so ten serve more than one process can ask."""
BODY_MAX_BYTES = 64 * 1024
"""Bytes of a request's body: notes are the only ones, and they are short."""


class SettingError(ValueError):
    """A variable of the environment has a value that cannot be used."""


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Flask's configuration, by the variables of ``environ``.

    ``SECRET_KEY`` must be the same for all replicas, or a session begun on one is unknown to the
    others; without one this process makes its own, which is right for trying things out.
    ``WORKER_MODEL``, ``WEB_CONCURRENCY`` and ``THREADS`` are what ``gunicorn.conf.py`` says is in
    force; without gunicorn there is no worker model, and one request at a time.

    Raises:
        SettingError: a variable has a value that it cannot have.
    """
    processes, threads = (
        int(number(environ, name, default=1, low=1, high=1000))
        for name in ("WEB_CONCURRENCY", "THREADS")
    )
    model = environ.get("WORKER_MODEL")
    connections = GEVENT_CONNECTIONS if model == "gevent" else threads
    return {
        "SECRET_KEY": environ.get("SECRET_KEY") or secrets.token_hex(32),
        "MAX_CONTENT_LENGTH": BODY_MAX_BYTES,
        "REPLICA": environ.get("REPLICA") or socket.gethostname(),
        "WORKER_MODEL": model,
        "SLOTS": processes * threads,
        "DATABASE_URL": environ.get("DATABASE_URL") or None,
        "DATABASE_CONNECTIONS": connections,
    }


def number(
    environ: Mapping[str, str], name: str, *, default: float, low: float, high: float
) -> float:
    """Return the number in variable ``name``, or ``default`` where it is not set.

    Raises:
        SettingError: it is no number from ``low`` to ``high``.
    """
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise SettingError(f"{name}={text} is no number from {low} to {high}.")
    return value


def choice(environ: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """Return the word in variable ``name``, or the first of ``choices`` where it is not set.

    Raises:
        SettingError: it is none of the choices.
    """
    text = environ.get(name) or choices[0]
    if text not in choices:
        raise SettingError(f"{name}={text} is unknown here; there are {', '.join(choices)}.")
    return text
