"""Which port a replica is reached on, by what listens in it. It does no I/O.

EXPOSE and published ports are hints: what counts is which sockets listen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from loadtests.analysis.shared.statuses import FIRST_SERVER_ERROR
from loadtests.tools.procfs import Listener

ENGINE_DNS = "127.0.0.11"
"""Docker's own name server listens on this address in every container of a Compose network."""


@dataclass(frozen=True, kw_only=True)
class Sockets:
    """What listens in a container: ports that others reach, and sockets that none does.

    ``ipv6`` are those of the ports that no socket has with an IPv4 address. A socket on ``::``
    may take IPv4 too; the kernel's tables do not tell.
    """

    ports: tuple[int, ...]
    loopback: tuple[Listener, ...]
    ipv6: tuple[int, ...] = ()

    def __str__(self) -> str:
        parts = [*(f"port {port}" for port in self.ports), *map(str, self.loopback)]
        return ", ".join(parts) or "no TCP port"


def sockets_of(listeners: Sequence[Listener]) -> Sockets:
    """Return what listens, without the engine's own sockets."""
    ours = [listener for listener in listeners if listener.address != ENGINE_DNS]
    reached = [listener for listener in ours if not listener.is_loopback]
    open_ports = {listener.port for listener in reached}
    over_ipv4 = {listener.port for listener in reached if not _is_ipv6(listener)}
    return Sockets(
        ports=tuple(sorted(open_ports)),
        loopback=tuple(
            listener
            for listener in ours
            if listener.is_loopback and listener.port not in open_ports
        ),
        ipv6=tuple(sorted(open_ports - over_ipv4)),
    )


def _is_ipv6(listener: Listener) -> bool:
    return isinstance(ip_address(listener.address), IPv6Address)


def in_order(ports: Sequence[int], declared: Sequence[int]) -> tuple[int, ...]:
    """Return ports in the order in which they are asked: those that somebody declared first."""
    return tuple(sorted(ports, key=lambda port: (port not in declared, port)))


def answering(
    ports: Sequence[int], answers: Sequence[int | None], declared: Sequence[int]
) -> int | None:
    """Return the first port that answers over HTTP; None if none does.

    An error of the server is an answer, too. Among ports that nobody declared, one without an error
    comes first.
    """
    answered = {
        port: status for port, status in zip(ports, answers, strict=True) if status is not None
    }
    return min(
        answered,
        key=lambda port: (port not in declared, port not in declared and _fails(answered[port])),
        default=None,
    )


def _fails(status: int) -> bool:
    return status >= FIRST_SERVER_ERROR


def note_on(port: int, declared: Sequence[int], others: Sequence[int]) -> str | None:
    """Return a sentence if the port is not the one that a person would expect."""
    beside = f" It also listens on {_listed(others)}." if others else ""
    if declared and port not in declared:
        return (
            f"Port {port} is used, since it is what listens; {_listed(declared)}"
            f" {'is' if len(declared) == 1 else 'are'} declared (EXPOSE or ports).{beside}"
        )
    return f"Port {port} is used, since it answers over HTTP.{beside}" if others else None


def only_loopback(sockets: Sockets) -> str:
    """Return why a replica whose sockets are all its own cannot be measured."""
    named = ", ".join(map(str, sockets.loopback))
    return (
        f"listens on {named}, which nothing outside of its container reaches; bind 0.0.0.0"
        f" (gunicorn --bind 0.0.0.0:{sockets.loopback[0].port}, flask run --host 0.0.0.0)"
    )


def perhaps_only_ipv6(sockets: Sockets) -> str:
    """Return what to do about ports that may be open over IPv6 alone, or nothing.

    The harness asks over IPv4, as the networks of containers have it. Most servers take that there,
    too.
    """
    if not sockets.ipv6:
        return ""
    named = "It listens" if sockets.ipv6 == sockets.ports else f"Port {_listed(sockets.ipv6)} is"
    return f" {named} on an address of IPv6; if that takes no IPv4, bind 0.0.0.0."


def _listed(ports: Sequence[int]) -> str:
    return ", ".join(str(port) for port in ports)
