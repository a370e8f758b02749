"""To whom processes are connected over TCP, and whether that is the same machine from here.

Source: proc(5) for the tables; ``net/route`` has its numbers as ``net/tcp`` has its addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from loadtests.tools import procfs
from loadtests.tools.procfs.kernel_files import text_of

PROC = Path("/proc")

ESTABLISHED = "01"
"""The state of a connection, as the kernel writes it (TCP_ESTABLISHED)."""

PEER, STATE = 2, 3
"""Columns of ``net/tcp``."""

DESTINATION, GATEWAY, MASK = 1, 2, 7
"""Columns of ``net/route``."""

UNIX_STATE, UNIX_INODE, UNIX_PATH = 5, 6, 7
"""Columns of ``net/unix``."""

UNIX_CONNECTED = "03"
"""The state of a connection there (SS_CONNECTED)."""

MOST_LINKS = 40
"""So many links the kernel follows in a path (path_resolution(7)); more of them are a circle."""

Peer = tuple[str, int]
"""An address and a port."""


def peers_of(pid: int) -> frozenset[Peer]:
    """Return whom a process is connected to; none where it may not be looked at."""
    links = procfs.links_of(pid)
    tables = (_read(pid, f"net/{table}") for table in ("tcp", "tcp6"))
    return frozenset(
        peer for table in tables for inode, peer in established(table) if inode in links
    )


def established(table: str) -> tuple[tuple[str, Peer], ...]:
    """Parse ``net/tcp`` into the connections that stand: what an open file says, and the peer."""
    return tuple(
        (f"socket:[{inode}]", peer) for inode, state, peer in rows(table) if state == ESTABLISHED
    )


def rows(table: str) -> Iterator[tuple[str, str, Peer]]:
    """Parse ``net/tcp`` or the like (proc(5)): the inode, the state and the peer of each row."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > procfs.INODE:
            address, _, port = fields[PEER].rpartition(":")
            peer = (procfs.address_of(address), int(port, 16))
            yield fields[procfs.INODE], fields[STATE], peer


def is_connected_to_socket(pid: int, path: str) -> bool:
    """Return whether a process has a connection to a local socket, as far as that can be seen.

    The kernel names the socket on the server's side alone. So the process has to have a connection
    without a name, and the server one with this name, in the same network namespace.
    """
    links = procfs.links_of(pid)
    connected = tuple(sockets_connected(_read(pid, "net/unix")))
    has_own = any(not name and f"socket:[{inode}]" in links for inode, name in connected)
    return has_own and any(_in_run(name) == _in_run(path) for _, name in connected)


def sockets_connected(table: str) -> Iterator[tuple[str, str]]:
    """Parse ``net/unix`` (proc(5)) into inode and path of each connection; "" for no path."""
    for line in table.splitlines()[1:]:
        fields = line.split(maxsplit=UNIX_PATH)
        if len(fields) > UNIX_INODE and fields[UNIX_STATE] == UNIX_CONNECTED:
            yield fields[UNIX_INODE], fields[UNIX_PATH] if len(fields) > UNIX_PATH else ""


def _in_run(path: str) -> str:
    """Return a path with the present name of ``/var/run`` (Filesystem Hierarchy Standard 3.0)."""
    return path.removeprefix("/var") if path.startswith("/var/run/") else path


def folder_from_here(pid: int, folder: str) -> str | None:
    """Return the folder of a process's local socket as this machine sees it; None if it cannot.

    A name without a file (``@``) is that of a network namespace.
    """
    if folder.startswith("@"):
        return folder if procfs.network_of(pid) == procfs.network_of("self") else None
    try:
        mounts = [(PROC / str(each) / "ns/mnt").readlink() for each in (pid, "self")]
    except OSError:
        return None
    return folder if mounts[0] == mounts[1] else _in_root(PROC / str(pid) / "root", folder)


def _in_root(root: Path, folder: str) -> str:
    """Return a folder below another root directory, without absolute links on the way.

    The kernel would follow those from the root of this process: ``/var/run`` is a link to ``/run``.
    """
    rest = list(reversed(PurePosixPath(folder).parts[1:]))
    place, links = root, 0
    while rest:
        name = rest.pop()
        if name == "..":  # the root's parent is the root itself
            place = place if place == root else place.parent
            continue
        try:
            target = (place / name).readlink()
        except OSError:  # no link, or not to be read
            place = place / name
            continue
        links += 1
        if links > MOST_LINKS:
            return f"{root}{folder}"
        rest.extend(reversed([part for part in target.parts if part != "/"]))
        place = root if target.is_absolute() else place
    return str(place)


def addresses_of(host: str, port: int) -> frozenset[str]:
    """Return the addresses of a name from here; none for one that only others know."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # a name that cannot be encoded is a ValueError
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in entries)


def is_same_from_here(pid: int, address: str) -> bool:
    """Return whether an address that a process is connected to is that machine from here, too.

    In a network namespace of its own, a process may have a loopback, or a network, of which this
    machine knows nothing; the same address would then lead elsewhere.
    """
    if procfs.network_of(pid) == procfs.network_of("self"):
        return True
    there = ipaddress.ip_address(address)
    if there.version != 4 or there.is_loopback:
        return False
    return not on_link(_read(pid, "net/route"), address) or on_link(
        _read("self", "net/route"), address
    )


def on_link(routes: str, address: str) -> bool:
    """Return whether ``net/route`` has an IPv4 address in a network without a gateway."""
    wanted = ipaddress.ip_address(address)
    best: tuple[int, bool] | None = None
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) <= MASK:
            continue
        destination, gateway, mask = (
            procfs.address_of(fields[column]) for column in (DESTINATION, GATEWAY, MASK)
        )
        network = ipaddress.ip_network(f"{destination}/{mask}", strict=False)
        if wanted in network and (best is None or network.prefixlen > best[0]):
            best = (network.prefixlen, gateway == "0.0.0.0")  # noqa: S104  an address, not a bind
    return best is not None and best[1]


def shown(peer: Peer) -> str:
    """Return a peer as ``host:port``."""
    host, port = peer
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def peers_on(pids: Collection[int], ports: Collection[int]) -> frozenset[str]:
    """Return whom processes are connected to on some ports, as ``host:port``."""
    return frozenset(shown(peer) for pid in pids for peer in peers_of(pid) if peer[1] in ports)


def _read(pid: int | str, name: str) -> str:
    try:
        return text_of(PROC / str(pid) / name)
    except OSError:
        return ""
