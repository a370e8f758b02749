"""Where the processes of a stack listen: loopback addresses and ports that nobody has.

Linux answers on every address of 127.0.0.0/8, so each replica has one of its own and a port that
looks the same for all, as containers have. Elsewhere only 127.0.0.1 is there, and ports differ.
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from loadtests.model.errors import EnvironmentFailure

FIRST_PORT = 8000
PORTS_TRIED = 100
PROXY_NUMBER = 254
STORE_NUMBER = 253
"""Their numbers in the stack's block of addresses, behind any replica's."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Who listens where. ``replicas`` gives each name's ``host:port``."""

    replicas: Mapping[str, str]
    proxy_host: str
    status_port: int
    store_host: str
    store_port: int


def assign(
    names: Sequence[str], *, proxy_ports: Iterable[int], many: bool = sys.platform == "linux"
) -> Addresses:
    """Choose addresses for replicas of these names, the proxy and the store.

    ``many`` says that any address of 127.0.0.0/8 will do. Raises :class:`EnvironmentFailure` where
    one of ``proxy_ports``, which the plan has chosen, is taken.
    """
    if many:
        block = f"127.{random.randint(64, 127)}.{random.randint(0, 255)}"
        hosts = [f"{block}.{number}" for number in range(1, len(names) + 1)]
        proxy_host, store_host = f"{block}.{PROXY_NUMBER}", f"{block}.{STORE_NUMBER}"
        port = _common_port(hosts)
        replicas = {name: f"{host}:{port}" for name, host in zip(names, hosts, strict=True)}
    else:
        proxy_host = store_host = "127.0.0.1"
        ports = _unused(len(names))
        replicas = {name: f"{proxy_host}:{port}" for name, port in zip(names, ports, strict=True)}
    for port in proxy_ports:
        if not is_free(proxy_host, port):
            raise EnvironmentFailure(
                f"Port {port}, which the proxy needs, is taken by a program that listens on all"
                f" addresses. Find it with `ss -ltnp 'sport = :{port}'` (or `lsof -i :{port}`), end"
                " it, and start again."
            )
    status_port, store_port = _unused(2)
    return Addresses(
        replicas=replicas,
        proxy_host=proxy_host,
        status_port=status_port,
        store_host=store_host,
        store_port=store_port,
    )


def is_free(host: str, port: int) -> bool:
    """Tell whether a program could listen there now."""
    with closing(socket.socket()) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            attempt.bind((host, port))
            attempt.listen()
        except OSError:
            return False
    return True


def _common_port(hosts: Sequence[str]) -> int:
    """Give a port that is free on all of these addresses."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if all(is_free(host, port) for host in hosts):
            return port
    raise EnvironmentFailure(
        f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free on {hosts[0]} and the"
        " addresses after it. See who listens with `ss -ltn`."
    )


def _unused(count: int) -> list[int]:
    """Give different ports that the system calls free."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
