"""The token that a login answers with in JSON, and that later requests send (RFC 6750). PURE.

A token that was recorded belongs to a session that has ended, or to another application.
"""

from __future__ import annotations

import re
from dataclasses import replace

from loadtests.analysis.consistency.bodies.json_text import json_in, key_of, leaves
from loadtests.analysis.consistency.normal_form import MOST_CHARS
from loadtests.analysis.shared.logins import is_login_path
from loadtests.model.tested.workload import RequestSpec

KEYS = ("accesstoken", "access", "idtoken", "jwt", "authtoken", "token", "key")
"""Names of the token, the surest first: of OAuth, Simple JWT, Flask-JWT, Knox and DRF."""

SHORTEST = 16
"""Characters of a token that nobody can guess."""

SENT = re.compile(rf"(?P<scheme>(?:bearer|token|jwt)\s+)\S+\s*|\S{{{SHORTEST},}}", re.IGNORECASE)
"""The text of a header that has a token; some applications want no scheme before it."""

HEADER = re.compile(
    r"authorization|(x-)?((access|auth|authentication|authorization|session|user)[-_]?token|token"
    r"|jwt)",
    re.IGNORECASE,
)
"""Headers that have a token: ``X-Access-Token`` and ``X-Auth-Token`` are as common as RFC 6750's.
Keys of an interface (``X-API-Key``) are no login's."""


OF_ANOTHER = re.compile(r"regist|sign[-_]?up|invit|(?<![a-z])keys?/?$", re.IGNORECASE)
"""Paths whose answers have a token of another user, or one that is for something else."""


RENEWS = re.compile(r"refresh(?!ment)|renew(?!al)", re.IGNORECASE)
"""Paths that take the token by which a login is renewed, and refuse the one of the login."""


def in_answer(body: str) -> str | None:
    """Return the token in a login's answer in JSON; None without one."""
    found = {
        re.sub(r"[^a-z]", "", key_of(place).lower()): value
        for place, value in leaves(json_in(body[:MOST_CHARS]))
        if isinstance(value, str) and len(value) >= SHORTEST and not re.search(r"\s", value)
    }
    return next((found[key] for key in KEYS if key in found), None)


def logs_in(request: RequestSpec) -> bool:
    """Return whether a token that a request is answered with is that of a user who logs in.

    One of a registration may be of another user, also where its path is below ``/auth``.
    """
    path = request.path.partition("?")[0]
    return is_login_path(path) and OF_ANOTHER.search(path) is None


def renewed(request: RequestSpec, token: str | None) -> RequestSpec:
    """Return a request with this token in the place of its own, if it has one.

    One that renews a login keeps its own: Flask-JWT-Extended takes a refresh token alone there.
    """
    is_renewal = request.method.upper() == "POST" and RENEWS.search(request.path.partition("?")[0])
    if token is None or is_renewal:
        return request
    headers = {
        name: f"{match['scheme'] or ''}{token}" if (match := _sent(name, text)) else text
        for name, text in request.headers.items()
    }
    return replace(request, headers=headers)


def without(request: RequestSpec) -> RequestSpec:
    """Return a request without its token."""
    headers = {name: text for name, text in request.headers.items() if not _sent(name, text)}
    return replace(request, headers=headers)


def is_in(request: RequestSpec) -> bool:
    """Return whether a request has a token."""
    return any(_sent(name, text) for name, text in request.headers.items())


def _sent(name: str, text: str) -> re.Match[str] | None:
    return SENT.fullmatch(text) if HEADER.fullmatch(name) else None
