"""Connects Docker's library to an engine: by a socket, by TCP, or through ssh."""

from __future__ import annotations

import os

import docker
from docker.errors import DockerException

from loadtests.model.errors import EnvironmentFailure

HOST = "DOCKER_HOST"
SSH_PACKAGE = "paramiko"
"""The package without which Docker's library refuses ``ssh://``, although it calls ``ssh``."""


def connected(host: str | None, *, timeout_s: int) -> docker.DockerClient:
    """Return a client of the engine at ``host``, or of the one that the environment names.

    Through ssh, the user's own program ``ssh`` is called, as Docker's programs do, so its
    configuration counts. Raises :class:`EnvironmentFailure` where the package for it is missing,
    and else what Docker's library raises.
    """
    where = {**os.environ} if host is None else {**os.environ, HOST: host}
    try:
        return docker.from_env(timeout=timeout_s, environment=where, use_ssh_client=True)
    except DockerException as error:
        if SSH_PACKAGE not in str(error):
            raise
        raise EnvironmentFailure(
            f"The engine at {where.get(HOST) or 'the address of the context'} is reached through"
            f" ssh, for which Docker's library needs a package that is missing. Install it: pip"
            " install 'docker[ssh]'."
        ) from error
