"""The application's settings, from the environment that it is started in."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from typing import Any


class SettingError(ValueError):
    """A variable of the environment has a value that cannot be used."""


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Flask's configuration, by the variables of ``environ``.

    ``SECRET_KEY`` must be the same for all replicas, or a session begun on one is unknown to the
    others; without one this process makes its own, which is right for trying things out.
    ``gunicorn.conf.py`` says which ``WORKER_MODEL`` is in force; without it there is none.
    """
    return {
        "SECRET_KEY": environ.get("SECRET_KEY") or secrets.token_hex(32),
        "REPLICA": environ.get("REPLICA") or socket.gethostname(),
        "WORKER_MODEL": environ.get("WORKER_MODEL"),
    }
