"""Kinds of failures, by what ended a request. PURE."""

from __future__ import annotations

LIMIT_KIND = "status 429"

PROXY_LIMIT_KIND = "status 503"
"""What nginx answers where limit_req or limit_conn refuses, unless it is told otherwise."""

PROXY_FAILURE_KIND = "status 500"
"""What nginx answers where it fails by itself, such as for want of connections."""

PROXY_KINDS = frozenset({"status 502", "status 504"})
"""Answers of the proxy for a replica that gave none."""

REJECTED_KIND = "rejected"
TIMEOUT_KIND = "timeout"

ANSWERED_KINDS = frozenset({REJECTED_KIND, TIMEOUT_KIND, "undrained"})
"""Failures that the application is answerable for, beside its statuses. The others are of the
connection between generator and proxy."""

TOO_SLOW_KIND = "too slow"
"""Failures by a limit of time that the load itself has (see ``late``). The answers are not wrong,
and one that takes longer with twice the users is what does not scale."""

CLOSED_KINDS = frozenset({"reset", "refused"})
"""What a proxy without a connection left does to users whom it answers nothing."""

MOSTLY = 0.5
"""Share of the failures from which their kind names the shape."""


def is_of_the_application(kind: str) -> bool:
    """Return whether the application is answerable for failures of a kind."""
    if kind.startswith("status "):
        return kind != LIMIT_KIND and kind not in PROXY_KINDS
    return kind in ANSWERED_KINDS
