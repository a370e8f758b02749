"""Where a redirect leads: within the same origin it is followed, to anywhere else it is not."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

WITH_HOST = frozenset({"http", "https"})


class MalformedLocation(ValueError):
    """The header ``Location`` of an answer is no URL (RFC 9110, 10.2.2)."""


def destination(url: str, location: str) -> str:
    """Return the URL that ``location`` in an answer from ``url`` means.

    Raises ``MalformedLocation``. The text is anybody's, and the standard library raises for some.
    """
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        lacks_host = parts.scheme in WITH_HOST and not parts.hostname
        _ = parts.port  # it is checked when it is read
    except ValueError as error:
        raise MalformedLocation(f"Location {location[:100]!r}: {error}") from None
    if lacks_host:
        raise MalformedLocation(f"Location {location[:100]!r} has no host")
    return target


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port (RFC 6454, 4)."""
    return origin_of(one) == origin_of(other)


def origin_of(url: str) -> tuple[str, str | None, int]:
    """Return scheme, host and port; 80 or 443 where the URL names none."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
