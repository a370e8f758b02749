"""How a request can end: every kind is counted by its name, and none ends a user."""

from __future__ import annotations

from enum import IntEnum


class Outcome(IntEnum):
    """The kinds; a value is the index of the kind's name in a trial's table of outcomes."""

    OK = 0
    """The whole answer came, with a status below 400 (or the scenario called it a success)."""
    STATUS = 1
    """The whole answer came, with a status of 400 or more."""
    TIMEOUT = 2
    """The time limit passed before the whole answer was there."""
    REFUSED = 3
    """Nobody listens at that address."""
    UNREACHABLE = 4
    """No connection could be made for another reason: no route, no name, no free port."""
    RESET = 5
    """The server broke the connection off (TCP reset)."""
    CLOSED_EARLY = 6
    """The server closed the connection without one byte of an answer."""
    TRUNCATED = 7
    """The connection was closed in the middle of an answer."""
    MALFORMED = 8
    """What came is not one HTTP/1.1 answer."""
    HEADER_TOO_LARGE = 9
    """The header of the answer was larger than is accepted."""
    BODY_TOO_LARGE = 10
    """The body of the answer was larger than is accepted."""
    REJECTED = 11
    """The whole answer came, and the scenario called it a failure."""
    UNDRAINED = 12
    """Still in flight when the time for draining was over."""
    DROPPED = 13
    """Due, but not sent: too many requests were in flight (open loop)."""
    OTHER = 14
    """A failure that another client than ours reported, of a kind not known here."""


OUTCOME_NAMES = tuple(outcome.name.lower() for outcome in Outcome)
"""The table of outcomes, in the order of the values."""


class RequestFailed(Exception):
    """What Locust's statistics and listeners are given for a request that was not ``ok``."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome.name.lower()}: {detail}" if detail else outcome.name.lower())
        self.outcome = outcome
