"""Whether a proxy may keep idle connections to a server. PURE."""

from __future__ import annotations

from loadtests.model.plan import IdleConnections
from loadtests.model.tested.in_force import KeptConnections
from loadtests.servers.server import KeepAlive

PROXY_CONNECTIONS = 2048
"""Connections to one server that are enough for the proxy's default: 1024 idle ones of a cell, and
those of the users and of other cells."""

LEAST_IDLE_S = 0.5
"""A server that closes sooner than this gets a new connection for each request. The proxy closes
after 0.2 s. If the server closed first, a request could meet a closing connection, which is a
failure that the load made."""

ONE_EACH = IdleConnections(most=0, timeout_s=0)

MARGIN = 2
"""The proxy closes an idle connection after this part of the time for which a server keeps it."""


def allowed(declared: KeepAlive, kept: KeptConnections | None = None) -> IdleConnections | None:
    """Return what the proxy may keep of a server; None means its own default.

    ``declared`` is what the server's file says of its command line, ``kept`` what was seen; the
    stricter one counts. Where a server has few connections, users would wait for one that the proxy
    keeps open, so the proxy keeps none. It keeps none either where nothing is known: the page that
    was asked for took too long, and the server's file says nothing.
    """
    if kept is not None and nothing_answered(kept):
        return ONE_EACH if declared == KeepAlive() else _allowed(declared, None)
    return _allowed(declared, kept)


def _allowed(declared: KeepAlive, kept: KeptConnections | None) -> IdleConnections | None:
    limit, idle_s = declared.connections, declared.idle_s
    if kept is not None:
        if kept.announced and kept.opened == 1 and idle_s != 0:
            return None  # each answer says so, and the proxy heeds that
        if kept.answered < kept.opened:
            return ONE_EACH
        if kept.closed_after_s is not None:
            idle_s = min(kept.closed_after_s, kept.closed_after_s if idle_s is None else idle_s)
    if limit is not None and limit < PROXY_CONNECTIONS:
        return ONE_EACH
    return ONE_EACH if idle_s is not None and idle_s < LEAST_IDLE_S else None


def between_closings(
    declared: KeepAlive, kept: KeptConnections | None = None
) -> IdleConnections | None:
    """Return what a proxy may keep that closes all connections between two trials.

    It is as :func:`allowed`, for longer: in a trial none should be closed and opened again, which
    costs a replica CPU, and happens more often the more replicas there are. How long a server keeps
    them is what its file declares and what was seen of it, the shorter of both.
    """
    few = allowed(declared, kept)
    if few is not None or (kept is not None and (nothing_answered(kept) or kept.announced)):
        return few
    times_s = [] if declared.idle_s is None else [declared.idle_s]
    if kept is not None and kept.closed_after_s is not None:
        times_s.append(kept.closed_after_s)
    elif kept is not None and not times_s:
        times_s.append(kept.watched_s)
    return IdleConnections(timeout_s=min(times_s) / MARGIN) if times_s else None


def nothing_answered(kept: KeptConnections) -> bool:
    """Return whether the first page came too late, which says nothing of idle connections."""
    return kept.answered == 0
