"""Compares two clocks by round trips.

Source: RFC 5905 (NTP version 4), section 8: with T1 and T4 the moments of sending and returning by
our clock, and T2 and T3 those of receiving and answering by the other one, the offset is
((T2 − T1) + (T3 − T4)) / 2, and the time on the way is (T4 − T1) − (T3 − T2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Another clock: it shows ``offset_s`` more than ours, give or take ``error_s``."""

    offset_s: float
    error_s: float

    def theirs(self, at_s: float) -> float:
        """Return what the other clock shows at a moment of ours."""
        return at_s + self.offset_s

    def ours(self, at_s: float) -> float:
        """Return what our clock shows at a moment of the other one."""
        return at_s - self.offset_s


def of_round_trip(sent_s: float, received_s: float, answered_s: float, returned_s: float) -> Clock:
    """Return the other clock; the way there may have taken all of the time, or none."""
    on_the_way_s = max(0.0, (returned_s - sent_s) - (answered_s - received_s))
    offset_s = ((received_s - sent_s) + (answered_s - returned_s)) / 2
    return Clock(offset_s=offset_s, error_s=on_the_way_s / 2)


def best(clocks: Iterable[Clock]) -> Clock:
    """Return the one of the shortest round trip, which is the surest."""
    return min(clocks, key=lambda clock: clock.error_s)


def error_between(before: Clock, after: Clock) -> float:
    """Return how far off ``before`` may have been until ``after``, in seconds.

    A clock that runs faster or was set shows in the two offsets, beyond what both may be off.
    """
    apart_s = abs(after.offset_s - before.offset_s)
    return before.error_s + max(0.0, apart_s - before.error_s - after.error_s)
