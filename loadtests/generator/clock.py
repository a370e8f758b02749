"""The clock of the generator: seconds since the epoch that never go back nor jump.

The system's time may be set at any moment. So it is read once, when the process starts, and counted
on by the monotonic clock.
"""

from __future__ import annotations

from time import monotonic, time

EPOCH_S = time() - monotonic()
"""What has to be added to the monotonic clock."""


def now_s() -> float:
    """Return the seconds since the epoch."""
    return monotonic() + EPOCH_S
