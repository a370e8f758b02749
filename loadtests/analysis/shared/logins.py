"""Pages where a user logs in. PURE."""

from __future__ import annotations

import re

LOGIN = re.compile(r"log[-_]?in|sign[-_]?in|/auth\b|/sso\b", re.IGNORECASE)


def is_login(location: str) -> bool:
    """Return whether a path, or a redirect, leads to a page where a user logs in."""
    return bool(LOGIN.search(location))
