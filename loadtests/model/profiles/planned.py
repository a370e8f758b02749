"""What a run plans to look at. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProfilePlan:
    """The profile trials, after everything else is measured.

    Each series (variant × workload) is looked at with each of ``replica_counts``, for ``window_s``
    seconds. ``series_most`` is for how many series there is time; those whose throughput gains
    least come first.
    """

    replica_counts: tuple[int, ...]
    window_s: float
    series_most: int
    expected_s: float
