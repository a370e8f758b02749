"""How a request can end. Every outcome is counted by its name, and none stops a user."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

FIRST_ERROR_STATUS = 400
"""Statuses from here on are errors."""


class Outcome(IntEnum):
    """The outcomes; a value is the index of its name in a trial's table of outcomes."""

    OK = 0
    """The whole answer came, with a status below 400 (or the locustfile called it a success)."""
    STATUS = 1
    """The whole answer came, with a status of 400 or more."""
    TIMEOUT = 2
    """The time limit passed before the whole answer had come."""
    REFUSED = 3
    """No program listens at that address."""
    UNREACHABLE = 4
    """No connection for another reason: no route, unknown host name, no free port."""
    RESET = 5
    """The server reset the connection (TCP RST)."""
    CLOSED_EARLY = 6
    """The server closed the connection without one byte of an answer."""
    TRUNCATED = 7
    """The connection was closed in the middle of an answer."""
    MALFORMED = 8
    """The received bytes are not one valid HTTP/1.1 answer."""
    HEADER_TOO_LARGE = 9
    """The header was larger than the client's limit."""
    BODY_TOO_LARGE = 10
    """The body was larger than the client's limit."""
    REJECTED = 11
    """The whole answer came, and the locustfile called it a failure."""
    UNDRAINED = 12
    """Still in flight when the time for draining was over."""
    DROPPED = 13
    """Due, but not sent: too many requests were in flight (open loop)."""
    OTHER = 14
    """A failure that one of Locust's own clients reported, of an unknown kind."""


OUTCOME_NAMES = tuple(outcome.name.lower() for outcome in Outcome)
"""The table of outcomes, in the order of the values."""


class RequestFailed(Exception):
    """The exception that Locust's statistics and listeners get for a failed request."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome.name.lower()}: {detail}" if detail else outcome.name.lower())
        self.outcome = outcome


def counted_status(outcome: Outcome, status: int, history: Sequence[Any]) -> int:
    """Return the status to count a request by: of an answer after redirects, the first one.

    ``history`` are the redirects that were followed, each with its ``status_code``. A page and a
    page that a redirect to a login led to both end with 200, and are not the same answer. An answer
    that only the load itself rejects is counted like a good one.
    """
    is_good = outcome is Outcome.OK or (outcome is Outcome.REJECTED and status < FIRST_ERROR_STATUS)
    if is_good and history:
        return int(history[0].status_code)
    return status
