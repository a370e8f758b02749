"""Chooses free loopback addresses and ports for the processes of a stack.

On Linux every address of 127.0.0.0/8 works. So each replica gets its own address, and all use the
same port, as containers do. Other systems have only 127.0.0.1, so there the ports differ. So they
do where a server takes only a port, since it may listen on all addresses.
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import Plan
from loadtests.servers import own_command

FIRST_PORT = 8000
PORTS_TRIED = 100

MANY = sys.platform == "linux"
"""Whether every address of 127.0.0.0/8 works."""

FIRST_FREE_PORT = 1024
"""The first port that ordinary users may listen on (ip(7))."""

PROXY_NUMBER = 254
STORE_NUMBER = 253
"""Last byte of their addresses; replicas count up from 1."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses of one stack; ``replicas`` maps each replica's name to its ``host:port``."""

    replicas: Mapping[str, str]
    proxy_host: str
    status_port: int
    store_host: str
    store_port: int


def of_stack(plan: Plan, names: Sequence[str], *, port: int | None = None) -> Addresses:
    """Choose the addresses of a plan's stack; :func:`assign` has the rest.

    A server that takes only a port may listen on all addresses, so each replica needs another port.
    """
    shares = any(own_command.takes_only_a_port(worker) for worker in plan.workers)
    ports = [upstream.port for upstream in plan.upstreams]
    return assign(names, proxy_ports=ports, port=port, many=MANY and not shares)


def assign(
    names: Sequence[str],
    *,
    proxy_ports: Iterable[int],
    port: int | None = None,
    many: bool = MANY,
) -> Addresses:
    """Choose addresses for the named replicas, the proxy and the store.

    With ``many``, each replica has an address of its own, and all have the same port, which is
    ``port`` if it is given. Otherwise all have one address, and each has a port of its own. Raises
    :class:`EnvironmentFailure` if one of ``proxy_ports`` is in use; the plan chooses those. Raises
    :class:`UsageError` for a ``port`` that this user may not open.
    """
    if many:
        block = f"127.{random.randint(64, 127)}.{random.randint(0, 255)}"
        hosts = [f"{block}.{number}" for number in range(1, len(names) + 1)]
        proxy_host, store_host = f"{block}.{PROXY_NUMBER}", f"{block}.{STORE_NUMBER}"
        common = _common_port(hosts) if port is None else _checked(port, hosts)
        replicas = {name: f"{host}:{common}" for name, host in zip(names, hosts, strict=True)}
    else:
        proxy_host = store_host = "127.0.0.1"
        ports = _unused(len(names))
        replicas = {name: f"{proxy_host}:{port}" for name, port in zip(names, ports, strict=True)}
    for needed in proxy_ports:
        if not is_free(proxy_host, needed):
            raise EnvironmentFailure(
                f"The proxy needs port {needed}, but another program listens on it, on all"
                f" addresses. {_find(needed)}, and start again."
            )
    status_port, store_port = _unused(2)
    return Addresses(
        replicas=replicas,
        proxy_host=proxy_host,
        status_port=status_port,
        store_host=store_host,
        store_port=store_port,
    )


def beside(places: Addresses) -> str:
    """Return an address for one replica more than those that have one."""
    hosts = {address.rpartition(":")[0] for address in places.replicas.values()}
    last = max(places.replicas.values(), key=_numbers)
    host, _, port = last.rpartition(":")
    if host == places.proxy_host or len(hosts) >= STORE_NUMBER - 1:
        return f"{host}:{_unused(1)[0]}"
    block, _, number = host.rpartition(".")
    return f"{block}.{int(number) + 1}:{port}"


def _numbers(address: str) -> tuple[int, ...]:
    return tuple(int(part) for part in address.replace(":", ".").split("."))


def is_free(host: str, port: int) -> bool:
    """Return whether a program could listen at this address now."""
    with closing(socket.socket()) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            attempt.bind((host, port))
            attempt.listen()
        except OSError:
            return False
    return True


def _find(port: int) -> str:
    return f"Find it with `ss -ltnp 'sport = :{port}'` (or `lsof -i :{port}`), end it"


def _checked(port: int, hosts: Sequence[str]) -> int:
    """Return a port that this user may open and that is free on all of these hosts."""
    with closing(socket.socket()) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            attempt.bind((hosts[0], port))
            attempt.listen()
        except PermissionError:
            raise UsageError(
                f"Only root may listen on ports below {FIRST_FREE_PORT}, and --port is {port}."
                " Leave it out: the proxy stands in front, so any port will do."
            ) from None
        except OSError:
            raise EnvironmentFailure(
                f"Port {port} is taken: another program listens on it, on all addresses."
                f" {_find(port)}, or leave --port out."
            ) from None
    return port


def _common_port(hosts: Sequence[str]) -> int:
    """Return a port that is free on all of these hosts."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if all(is_free(host, port) for host in hosts):
            return port
    raise EnvironmentFailure(
        f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free on all of {hosts[0]}"
        f" to {hosts[-1]}. List the listening programs with `ss -ltnp`, and end some."
    )


def _unused(count: int) -> list[int]:
    """Return ``count`` different ports that are free on 127.0.0.1."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()
