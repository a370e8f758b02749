"""Statuses of HTTP (RFC 9110) that several parts tell apart. PURE."""

from __future__ import annotations

NOT_MODIFIED = 304
"""The page is the one that the client has already."""

FIRST_ERROR_STATUS = 400
"""Statuses from here on are errors."""

REFUSED = frozenset({401, 403})
"""Whoever asks is not known, or may not have the page."""

TOO_MANY_REQUESTS = 429
"""The application limits the rate."""

FIRST_SERVER_ERROR = 500
"""Statuses from here on say that the application failed; all others that it serves requests."""
