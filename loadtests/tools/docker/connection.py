"""Connects Docker's library to an engine: by a socket, by TCP, or through ssh."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import closing

import docker
from docker.errors import DockerException

from loadtests.tools.docker import contexts
from loadtests.tools.docker.contexts import HOST
from loadtests.tools.docker.reasons import NoEngine

SOCKET = "unix:///var/run/docker.sock"
"""Address of the engine if neither ``DOCKER_HOST`` nor a context names one."""

CERTIFICATES = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""Variables that belong to ``DOCKER_HOST``; for a context, ``docker`` does not read them."""

WITHOUT_CERTIFICATES = ("unix://", "ssh://")
"""Schemes of addresses whose engines ask for no certificates: the socket or ssh protects them."""

CONNECT_LIMIT_S = 5.0

SSH_PACKAGE = "paramiko"
"""The package without which Docker's library refuses ``ssh://``, although it calls ``ssh``."""


def connected(host: str | None, *, timeout_s: int) -> docker.DockerClient:
    """Return a client of the engine at ``host``, or of the one that ``docker`` uses.

    Through ssh, the user's own program ``ssh`` is called, as Docker's programs do, so its
    configuration counts. Raises :class:`NoEngine` where the package for it is missing,
    :class:`EnvironmentFailure` for a context that cannot be used, and else what Docker's library
    raises.
    """
    where = {**os.environ} if host is None else {**os.environ, HOST: host}
    context = contexts.usable() if host is None else None
    if context is not None or (host is not None and not takes_certificates(host)):
        where = {name: value for name, value in where.items() if name not in CERTIFICATES}
    if context is not None:
        where[HOST] = context.address
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


def address_of(host: str | None = None) -> str:
    """Return the address of the engine at ``host``, or of the one that ``docker`` uses.

    Raises :class:`EnvironmentFailure` for a context that does not exist.
    """
    named = host or os.environ.get(HOST)
    if named:
        return named
    context = contexts.chosen()
    return SOCKET if context is None else context.address


def takes_certificates(host: str) -> bool:
    """Return whether the certificates of the environment are for the engine at this address."""
    return not host.startswith(WITHOUT_CERTIFICATES)


def is_by_ssh(host: str | None) -> bool:
    """Return whether an engine, or the one that the environment names, is reached through ssh.

    Then a missing program, or a refused connection, tells nothing of the engine behind.
    """
    return address_of(host).startswith("ssh://")


def sees_processes_of(host: str | None = None) -> bool:
    """Return whether the processes of an engine have ids here, and ours have ids for it.

    The kernel gives the id of who listens at a socket as 0 to another PID namespace, such as that
    of a container that has the socket mounted (unix(7), SO_PEERCRED). An engine that is reached in
    another way is on another machine. True where nobody listens, and where the kernel does not tell
    (macOS).
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    scheme, _, path = address_of(host).partition("://")
    if scheme != "unix":
        return False
    try:
        with closing(socket.socket(socket.AF_UNIX)) as link:
            link.settimeout(CONNECT_LIMIT_S)
            link.connect(path)
            size = struct.calcsize("3i")
            pid, _, _ = struct.unpack(
                "3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            )
    except OSError:
        return True
    return bool(pid)
