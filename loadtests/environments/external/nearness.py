"""Tells whether a deployment is on this machine: by its address, or by the names of its nodes.

Containers and virtual machines of this machine have addresses behind a bridge of its own: those of
kind, minikube and Compose, for example. An address inside a cluster (ClusterIP) tells nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

NETWORKS = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")

ANY_PORT = 9
"""The port of a socket that sends nothing; it only asks for the way to an address."""

DEFAULT_ROUTE = "00000000"

NO_NAMES = frozenset({"", "localhost"})
"""Host names that tell no machine from another one."""


def is_here(address: str, *, networks: Path = NETWORKS, routes: Path = ROUTES) -> bool:
    """Return whether an address is this machine's, or that of a guest on a bridge of it."""
    if ipaddress.ip_address(address).is_loopback:
        return True
    if _own_address_towards(address) == address:
        return True
    interface = _interface_to(address, routes)
    return interface is not None and (networks / interface / "bridge").is_dir()


def is_this_machine(node: str) -> bool:
    """Return whether a node has this machine's name, which clusters mostly give their nodes.

    Either of both names may lack the domain.
    """
    name, _, domain = node.lower().partition(".")
    own, _, own_domain = socket.gethostname().lower().partition(".")
    is_same_domain = domain == own_domain or not domain or not own_domain
    return own not in NO_NAMES and name == own and is_same_domain


def _own_address_towards(address: str) -> str | None:
    """Return the address from which this machine would send; it is the same for its own ones."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, ANY_PORT))
            return str(asking.getsockname()[0])
    except OSError:
        return None


def _interface_to(address: str, routes: Path) -> str | None:
    """Return the interface on whose own network an IPv4 address is; None if a router leads to it.

    A bridge with the default route is this machine's way out: others are on it, too.
    """
    if ":" in address:
        return None
    try:
        rows = [line.split() for line in routes.read_text(encoding="utf-8").splitlines()[1:]]
    except OSError:
        return None
    ways_out = {row[0] for row in rows if row[1] == DEFAULT_ROUTE}
    number = int(ipaddress.IPv4Address(address))
    found: tuple[int, str, str] | None = None
    for name, destination, gateway, mask in ((row[0], row[1], row[2], row[7]) for row in rows):
        bits = _number(mask)
        is_closer = found is None or bits > found[0]
        if number & bits == _number(destination) and is_closer:
            found = (bits, name, gateway)
    if found is None or found[2] != DEFAULT_ROUTE or found[1] in ways_out:
        return None
    return found[1]


def _number(text: str) -> int:
    """Return the number of an address as the kernel prints it, in the machine's byte order."""
    return int.from_bytes(bytes.fromhex(text), "little")
