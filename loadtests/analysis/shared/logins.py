"""Pages where a user logs in. PURE."""

from __future__ import annotations

import re

WORD = r"(?:login|(?<![a-z])(?:log[-_]in|sign[-_]?in))(?:page|form)?(?![a-z])"
"""A login by its name; /catalog-index, /blog_index and /design-inspiration have none."""

PATH = re.compile(rf"{WORD}|/(?:auth|sso)\b", re.IGNORECASE)
"""The path of a page that a load asks for, that all of its answers lead to, or of another host."""

TARGET = re.compile(rf"{WORD}|/(?:auth|sso)/?$", re.IGNORECASE)
"""The path of one redirect. It may lead to /auth/settings, which is no login."""

ORIGIN = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?/(?P<host>/[^/?#:.]*)[^/?#]*", re.IGNORECASE)
"""Scheme and host of a URL; ``host`` is a slash and the first word of it, such as /login."""

QUERY = re.compile(r"\?|#(?!!?/)")
"""Where a path ends. In ``/#/login`` it goes on: that is a page of an application in a browser."""


def is_login_path(path: str) -> bool:
    """Return whether a path of a load is that of a page where a user logs in, or of its form."""
    return bool(PATH.search(_without_query(path)))


def is_login(location: str) -> bool:
    """Return whether a redirect leads to a page where a user logs in: by its path, or its host.

    ``/home?from=login`` is none. ``https://login.example.com/authorize`` is one, and so is
    ``https://id.example.com/sso/saml``: what lies at another host is no page of the application.
    """
    origin = ORIGIN.match(location)
    if origin is None:
        return bool(TARGET.search(_without_query(location)))
    path = _without_query(location[origin.end() :])
    return bool(PATH.search(path) or TARGET.search(origin["host"]))


def _without_query(path: str) -> str:
    return QUERY.split(path, maxsplit=1)[0]
