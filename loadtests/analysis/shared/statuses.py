"""Statuses of HTTP (RFC 9110) that several parts of the analysis tell apart. PURE."""

from __future__ import annotations

NOT_MODIFIED = 304
"""The page is the one that the client has already."""

FIRST_ERROR_STATUS = 400
"""Statuses from here on are errors."""
