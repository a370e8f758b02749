"""The cookies of one user, sent back to the server that set them."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit


class Cookies:
    """Cookies by host. Paths and expiry times are ignored; deleting a cookie works."""

    def __init__(self) -> None:
        self._by_host: dict[str, dict[str, str]] = {}

    def keep(self, url: str, lines: list[str]) -> None:
        """Store or delete the cookies in the ``Set-Cookie`` ``lines`` of an answer from ``url``."""
        jar = self._by_host.setdefault(urlsplit(url).hostname or "", {})
        for line in lines:
            try:
                parsed = SimpleCookie(line)
            except CookieError:
                continue
            for name, morsel in parsed.items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.coded_value

    def seed(self, url: str, header: str) -> None:
        """Store the cookies of a header ``Cookie`` for ``url``."""
        jar = self._by_host.setdefault(urlsplit(url).hostname or "", {})
        pairs = (pair.partition("=") for pair in header.split(";"))
        jar.update({name.strip(): value.strip() for name, sign, value in pairs if sign})

    def header(self, url: str) -> str:
        """Return the value of the header ``Cookie`` for ``url``; "" without cookies."""
        jar = self._by_host.get(urlsplit(url).hostname or "", {})
        return "; ".join(f"{name}={value}" for name, value in jar.items())
