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

OPTION = "--i-may-load"

DEFAULT_PORT = 80
MOST_PORT = 65535

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
        raise UsageError(f"The host {host!r} of {url!r} has no address: {error}.") from None
    if not addresses:
        raise UsageError(f"The host {host!r} of {url!r} has no address.")
    named = {_normal(text) for text in allowed}
    strangers = [
        address
        for address in addresses
        if not is_free(address) and host not in named and str(address) not in named
    ]
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


def is_free(address: Address) -> bool:
    """Return whether an address is loopback or private, also inside IPv6 as an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is not None:
            return is_free(embedded)
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
    return _normal(parts.hostname), DEFAULT_PORT if port is None else port


def _normal(host: str) -> str:
    """Return a host's name in lower case without its trailing dot, or an address in short form."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
