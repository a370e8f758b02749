"""Connects Docker's library to an engine: by a socket, by TCP, or through ssh."""

from __future__ import annotations

import os

import docker
from docker.errors import DockerException

from loadtests.tools.docker.reasons import NoEngine

HOST = "DOCKER_HOST"
SSH_PACKAGE = "paramiko"
"""The package without which Docker's library refuses ``ssh://``, although it calls ``ssh``."""


def connected(host: str | None, *, timeout_s: int) -> docker.DockerClient:
    """Return a client of the engine at ``host``, or of the one that the environment names.

    Through ssh, the user's own program ``ssh`` is called, as Docker's programs do, so its
    configuration counts. Raises :class:`NoEngine` where the package for it is missing, and else
    what Docker's library raises.
    """
    where = {**os.environ} if host is None else {**os.environ, HOST: host}
    try:
        return docker.from_env(timeout=timeout_s, environment=where, use_ssh_client=True)
    except DockerException as error:
        if SSH_PACKAGE not in str(error):
            raise
        raise NoEngine(
            f"The engine at {where.get(HOST) or 'the address of the context'} is reached through"
            f" ssh, for which Docker's library needs a package that is missing. Install it: pip"
            " install 'docker[ssh]'."
        ) from error


def is_by_ssh(host: str | None) -> bool:
    """Return whether an engine, or the one that the environment names, is reached through ssh.

    Then a missing program, or a refused connection, tells nothing of the engine behind.
    """
    return (host or os.environ.get(HOST, "")).startswith("ssh://")
