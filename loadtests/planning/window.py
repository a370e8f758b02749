"""The length of a trial's window. PURE."""

from __future__ import annotations

ANSWERS_PER_S = 25.0
"""A window of the planned length has at least as many answers as at this rate. With fewer, one
answer more or less at its edges is most of what differs between rounds."""

MOST_RATIO = 3.0
"""The longest window, in planned ones, so that a run takes at most about three times as long."""


def window_s(planned_s: float, rps: float) -> float:
    """Return the length of a window in seconds, for a replica that gives ``rps`` answers/s."""
    slowness = ANSWERS_PER_S / rps if rps else MOST_RATIO
    return planned_s * min(MOST_RATIO, max(1.0, slowness))
