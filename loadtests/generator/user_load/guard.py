"""Keeps the user's code from any address but the target's, whatever library it uses.

Python's own sockets and gevent's look-ups of names are guarded. The generator's own connections and
Locust's messages between processes use others.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent.socket import socket as GeventSocket  # noqa: N812 - it is a class
from locust import clients
from locust.contrib import fasthttp

from loadtests.generator.session.places import place_of

LISTENER = "event.py"
"""The file of Locust that calls the listeners of events."""


SENDER = str(Path(__file__).parents[1] / "session" / "sender.py")
"""The file that tells listeners of each request that ended."""

OWN_LOOKUPS = str(Path(__file__).parents[1] / "http" / "pool.py")
"""The file that looks up names for the generator itself."""

COUNTED = frozenset(str(module.__file__) for module in (clients, fasthttp))
"""The files of Locust's own sessions, whose requests are counted."""


PROXIES = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "all_proxy"})
"""Variables of a way out for requests, in lower case. Libraries would ask the proxy instead of the
target, and so measure it, if it were not refused."""


class AddressRefused(ConnectionRefusedError):
    """The user's code asked for an address that is not the target's; nothing was sent."""


class Guard:
    """Lets the user's code reach one address; ``refused`` has the others that it asked for.

    Their values are the place in the locustfile, and whether a listener of an event asked.
    ``others`` are the places that reached the target with another client than the user's. What a
    listener asks before the load, to set it up, is not among them.
    """

    def __init__(self) -> None:
        self.refused: dict[str, tuple[str, bool]] = {}
        self.others: dict[str, None] = {}
        self._folder: Path | None = None
        self._allowed: set[tuple[str, int]] = set()
        self._host = ""
        self._installed = False

    def only(self, base_url: str, folder: Path | None) -> None:
        """Allow the address of ``base_url`` alone, for the locustfile in ``folder``.

        What was refused before is forgotten.
        """
        self._install()
        forget_proxies()
        parts = urlsplit(base_url)
        self._host, port = parts.hostname or "", 80 if parts.port is None else parts.port
        self.refused.clear()
        self.others.clear()
        self._folder = folder
        self._allowed = {(self._host, port)}
        try:
            entries = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)
        except OSError:
            return  # the first request says so
        self._allowed |= {(str(entry[4][0]), port) for entry in entries}

    def _install(self) -> None:
        if self._installed:
            return
        self._installed = True
        cls: Any = GeventSocket
        for name, position in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
            setattr(cls, name, self._guarded(getattr(cls, name), position))
        hub: Any = gevent.get_hub()
        hub.resolver = Resolver(hub.resolver, self._check_name)

    def _guarded(self, stock: Callable[..., Any], position: int) -> Callable[..., Any]:
        def checked(own: Any, *arguments: Any) -> Any:
            address = arguments[position] if arguments else None
            if own.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
                self._check(str(address[0]), int(address[1]))
            return stock(own, *arguments)

        return checked

    def _check(self, host: str, port: int) -> None:
        frame = sys._getframe(2)  # noqa: SLF001 - whose code asks is in its frames
        if (host, port) in self._allowed:
            if not by_user_client(frame) and not sets_up(frame):
                self.others.setdefault(place_of(self._folder, frame))
            return
        self._refuse(f"{host}:{port}", frame)

    def _check_name(self, host: Any) -> None:
        text = host.decode() if isinstance(host, bytes) else host
        if not text or text == self._host or is_numeric(text):
            return
        if OWN_LOOKUPS not in files_of(sys._getframe(2)):  # noqa: SLF001 - likewise
            self._refuse(text, sys._getframe(2))  # noqa: SLF001 - likewise

    def _refuse(self, address: str, frame: FrameType | None) -> None:
        place = place_of(self._folder, frame)
        self.refused.setdefault(address, (place, by_listener(frame)))
        raise AddressRefused(f"{address} is not the target, so nothing was sent to it ({place}).")


class Resolver:
    """Gevent's resolver behind a check of each name."""

    def __init__(self, stock: Any, check: Callable[[Any], None]) -> None:
        self._stock = stock
        self._check = check

    def getaddrinfo(self, host: Any, *arguments: Any, **more: Any) -> Any:
        """Look up addresses."""
        self._check(host)
        return self._stock.getaddrinfo(host, *arguments, **more)

    def gethostbyname(self, hostname: Any, *arguments: Any) -> Any:
        """Look up an address."""
        self._check(hostname)
        return self._stock.gethostbyname(hostname, *arguments)

    def gethostbyname_ex(self, hostname: Any, *arguments: Any) -> Any:
        """Look up addresses."""
        self._check(hostname)
        return self._stock.gethostbyname_ex(hostname, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stock, name)


def forget_proxies() -> None:
    """Take the variables of proxies out of this process: nothing but the target is asked."""
    for name in [name for name in os.environ if name.lower() in PROXIES]:
        del os.environ[name]


def is_numeric(host: str) -> bool:
    """Return whether ``host`` is an address, whose look-up asks nobody."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def files_of(frame: FrameType | None) -> list[str]:
    """Return the files of a frame and of those around it."""
    names = []
    while frame is not None:
        names.append(frame.f_code.co_filename)
        frame = frame.f_back
    return names


def by_listener(frame: FrameType | None) -> bool:
    """Return whether a listener of an event is running."""
    return any(name.endswith(f"locust/{LISTENER}") for name in files_of(frame))


def sets_up(frame: FrameType | None) -> bool:
    """Return whether a listener asks that is not called for each request, so once at most."""
    return by_listener(frame) and SENDER not in files_of(frame)


def by_user_client(frame: FrameType | None) -> bool:
    """Return whether a session is sending a request that tells Locust of it, so that it counts."""
    return not COUNTED.isdisjoint(files_of(frame))


def told_by_the_file(frame: FrameType | None) -> bool:
    """Return whether a locustfile itself tells Locust of a request, by the event ``request``."""
    files = files_of(frame)
    return SENDER not in files and COUNTED.isdisjoint(files)
