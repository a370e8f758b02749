"""What to do where an application does not reach its store, by the error that it wrote."""

from __future__ import annotations

import re

REMEDIES = (
    (
        re.compile(
            r"(?:localhost|127\.0\.0\.1|::1)\b.{0,120}(?:connection refused|Errno 111)"
            r"|Connect call failed \('(?:127\.0\.0\.1|::1)'",
            re.IGNORECASE,
        ),
        "Nothing listens there. In a container, localhost is the container itself: the store has"
        " another host, such as the name of its Compose service.",
    ),
    (
        re.compile(
            r"could not translate host name|failed to resolve host|name or service not known"
            r"|temporary failure in name resolution|unknown MySQL server host",
            re.IGNORECASE,
        ),
        "That host is not known here. A Compose service is started with what its depends_on and its"
        " variables name: compose.yaml:web.",
    ),
)
"""What clients of stores write, with what to do about it; the first that fits is said."""


def advice(text: str) -> str | None:
    """Return what to do about the error in a text, or None where it is another one."""
    return next((remedy for said, remedy in REMEDIES if said.search(text)), None)
