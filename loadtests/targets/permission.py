"""Decides which addresses may be loaded.

A load test of somebody else's server is an attack. So only loopback and private addresses may be
loaded, unless the user names the host a second time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.model.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FREE = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
"""Loopback (RFC 1122, RFC 4291) and private networks (RFC 1918, RFC 4193). Link-local addresses are
not among them: clouds serve their machines' credentials there."""

EXAMPLES = ipaddress.ip_network("192.0.2.0/24")
"""Addresses for documentation (TEST-NET-1, RFC 5737), which nobody has. ``twofold init`` writes one
in the place of a URL that it was not given."""

LISTENING = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  to tell them apart
"""Where servers say that they listen, and where they are found from their own machine. A name at
such an address is another matter: filters of names answer so."""

OPTION = "--i-may-load"

DEFAULT_PORT = 80

ACCEPT_LIMIT_S = 2.0
"""How long an address may take to accept a connection, where a host has several."""

Accepts = Callable[[str, int], bool]
"""Tells whether a connection to an address and a port can be made."""

Resolve = Callable[[str, int], Collection[str]]
"""Returns the addresses of a host name; raises OSError."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The only address that a run sends to: where a URL's host was when it was looked up."""

    host: str
    port: int
    address: str
    others: tuple[str, ...] = ()
    """Further addresses of the host, to which nothing is sent."""


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host name, as the system knows them."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))


def accepts(address: str, port: int) -> bool:
    """Tell whether somebody listens there; nothing is sent."""
    try:
        with socket.create_connection((address, port), timeout=ACCEPT_LIMIT_S):
            return True
    except OSError:
        return False


def permitted(
    url: str,
    allowed: Collection[str] = (),
    *,
    resolve: Resolve = resolve,
    accepts: Accepts = accepts,
) -> Loaded:
    """Return the address of a URL's host, looked up once; raise :class:`UsageError` otherwise.

    Of several addresses it is the first that accepts a connection, or the first of all.

    All addresses of the host have to be loopback or private, or the host or every other address has
    to be among ``allowed``.
    """
    host, port = host_and_port(url)
    try:
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in resolve(host, port)]
    except (OSError, UnicodeError, ValueError) as error:
        raise UsageError(_no_address(host, url, f": {error}")) from None
    if not addresses:
        raise UsageError(_no_address(host, url))
    named = {_normal(text) for text in allowed}
    strangers = [
        address
        for address in addresses
        if not is_free(address) and host not in named and str(address) not in named
    ]
    if strangers and strangers[0] in EXAMPLES:
        raise UsageError(
            f"{strangers[0]} of {url!r} is an address for examples, which nobody has (RFC 5737)."
            ' Write down where the deployment is: url = "http://10.77.0.11:8080".'
        )
    if strangers and host in LISTENING:
        raise UsageError(
            f"{host} of {url!r} means all addresses of a machine: a server listens there, but no"
            f" client finds it there. On this machine: http://{LISTENING[host]}:{port}. If you mean"
            f" it: {OPTION} {host}"
        )
    if strangers:
        raise UsageError(
            f"{host} is at {strangers[0]}, which is neither loopback nor private. A load test of a"
            f" server that is not yours is an attack. If you may load it: {OPTION} {host}"
        )
    texts = [str(address) for address in addresses]
    chosen = texts[0]
    if len(texts) > 1:
        chosen = next((text for text in texts if accepts(text, port)), chosen)
    others = tuple(text for text in texts if text != chosen)
    return Loaded(host=host, port=port, address=chosen, others=others)


def _no_address(host: str, url: str, why: str = "") -> str:
    return f"The host {host!r} of {url!r} has no address{why}. Correct the URL."


def check_generators(
    loaded: Loaded,
    workers: Collection[str],
    *,
    resolve: Resolve = resolve,
    is_own: Callable[[str], bool] | None = None,
) -> str | None:
    """Return what has to be known of a loopback address that other generators load; None for none.

    Each generator reads the address where it runs: on another machine, loopback is that machine.
    ``workers`` are their places, as ``host:port``. Raises :class:`UsageError` for one on another
    machine, and for one without an address.
    """
    if not workers or not _is_loopback(loaded.address):
        return None
    is_own = is_own or is_of_this_machine
    shown = loaded.host if loaded.host == loaded.address else f"{loaded.host} ({loaded.address})"
    behind = []
    for worker in workers:
        host, _, port = worker.rpartition(":")
        addresses = _addresses(_normal(host), int(port), resolve)
        if not addresses:
            raise UsageError(
                f"The generator {worker} has no address: nobody knows the host {host!r}. Correct it"
                " in --generator-workers."
            )
        if all(map(_is_loopback, addresses)):
            behind.append(worker)
        elif not all(map(is_own, addresses)):
            raise UsageError(
                f"{shown} means another machine at {worker}: each generator loads its own. Name the"
                " deployment by an address that all generators reach: --url http://10.77.0.11:8080."
            )
    if not behind:
        return None
    return (
        f"{shown} is read where each generator runs. If {', '.join(behind)} leads to another"
        " machine, such as by kubectl port-forward, that machine loads itself."
    )


def _addresses(host: str, port: int, resolve: Resolve) -> tuple[str, ...]:
    """Return a host's addresses; none where nobody knows it."""
    try:
        return tuple(resolve(host, port))
    except (OSError, UnicodeError):
        return ()


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_of_this_machine(address: str) -> bool:
    """Return whether an address is one of this machine's: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.bind((address, 0))
    except OSError:
        return False
    return True


def is_free(address: Address) -> bool:
    """Return whether an address is loopback or private, also as an IPv4 address mapped to IPv6.

    One of 6to4 (RFC 3056) never is: its packets leave by the default route, whatever is in it.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_free(address.ipv4_mapped)
    return any(address in network for network in FREE)


def host_and_port(url: str) -> tuple[str, int]:
    """Return the host and the port of a URL; raise :class:`UsageError` for one that is more."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The URL {url!r} cannot be used: {error}.") from None
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError(
            f"The URL {url!r} cannot be used. It has to be like http://10.77.0.11:8080; https is"
            " not supported, so name the balancer's port without TLS."
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError("The URL has a user name. Give credentials as headers of requests.")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise UsageError(
            f"The URL {url!r} has more than a host and a port. Name paths as requests:"
            f' --request "GET {parts.path}".'
        )
    if port == 0:
        raise UsageError(
            f"The URL {url!r} has the port 0, at which nothing listens. Name the port of the"
            f" deployment, or leave :0 out for port {DEFAULT_PORT}."
        )
    return _normal(parts.hostname), DEFAULT_PORT if port is None else port


def _normal(host: str) -> str:
    """Return a host's name in lower case without its trailing dot, or an address in short form."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
