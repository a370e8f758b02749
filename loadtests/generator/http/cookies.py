"""The cookies of one user, sent back to the server that set them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~:0-9A-Za-z]+")
"""The name of a cookie (RFC 6265, section 4.1.1), and a colon as well."""

AT_ONCE = re.compile(r"(^|;)\s*max-age\s*=\s*(0+|-\d+)\s*(;|$)", re.IGNORECASE)
"""The attribute by which a cookie is over at once."""


class Cookies:
    """Cookies by host. Paths and expiry times are ignored; deleting a cookie works."""

    def __init__(self) -> None:
        self._by_host: dict[str, dict[str, str]] = {}

    def keep(self, url: str, lines: list[str]) -> None:
        """Store or delete the cookies in the ``Set-Cookie`` ``lines`` of an answer from ``url``."""
        jar = self._by_host.setdefault(urlsplit(url).hostname or "", {})
        for line in lines:
            cookie = split_cookie(line)
            if cookie is None or not TOKEN.fullmatch(cookie[0]):
                continue
            name, value, attributes = cookie
            if not value.strip('"') or AT_ONCE.search(attributes):
                jar.pop(name, None)
            else:
                jar[name] = value

    def seed(self, url: str, header: str) -> None:
        """Store the cookies of a header ``Cookie`` for ``url``."""
        jar = self._by_host.setdefault(urlsplit(url).hostname or "", {})
        pairs = (pair.partition("=") for pair in header.split(";"))
        jar.update({name.strip(): value.strip() for name, sign, value in pairs if sign})

    def header(self, url: str) -> str:
        """Return the value of the header ``Cookie`` for ``url``; "" without cookies."""
        jar = self._by_host.get(urlsplit(url).hostname or "", {})
        return "; ".join(f"{name}={value}" for name, value in jar.items())


def split_cookie(line: str) -> tuple[str, str, str] | None:
    """Return name, value and attributes of a header ``Set-Cookie``; None for one that has none.

    The standard library refuses a whole line for one attribute that it does not know, such as
    ``Partitioned`` before Python 3.14.
    """
    pair, _, attributes = line.partition(";")
    name, equals, value = pair.partition("=")
    name = name.strip()
    return (name, value.strip(), attributes) if equals and name else None
