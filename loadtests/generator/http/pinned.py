"""Keeps one host name at the address that the harness looked up, for every client.

The harness asks once whether an address may be loaded. A name that later points elsewhere must not
lead the load there. Gevent's look-ups serve all clients, so the name is replaced there.
"""

from __future__ import annotations

import os
from typing import Any

import gevent

VARIABLE = "TWOFOLD_ADDRESS"
"""The variable with the host and its address: ``web.example=10.0.0.7``."""


class PinnedResolver:
    """Gevent's resolver, for which one name has one address."""

    def __init__(self, stock: Any, host: str, address: str) -> None:
        self._stock = stock
        self._host = normal(host)
        self._address = address

    def _of(self, host: Any) -> Any:
        text = host.decode("latin-1") if isinstance(host, bytes) else host
        return self._address if isinstance(text, str) and normal(text) == self._host else host

    def getaddrinfo(self, host: Any, *arguments: Any, **more: Any) -> Any:
        """Look up addresses."""
        return self._stock.getaddrinfo(self._of(host), *arguments, **more)

    def gethostbyname(self, hostname: Any, *arguments: Any) -> Any:
        """Look up an address."""
        return self._stock.gethostbyname(self._of(hostname), *arguments)

    def gethostbyname_ex(self, hostname: Any, *arguments: Any) -> Any:
        """Look up addresses."""
        return self._stock.gethostbyname_ex(self._of(hostname), *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stock, name)


def normal(host: str) -> str:
    """Return a host's name in lower case, without brackets and without its trailing dot."""
    return host.strip("[]").rstrip(".").lower()


def install() -> None:
    """Pin the host that the environment names; do nothing where it names none."""
    host, equals, address = os.environ.get(VARIABLE, "").partition("=")
    if equals and host and address:
        hub: Any = gevent.get_hub()
        hub.resolver = PinnedResolver(hub.resolver, host, address)
