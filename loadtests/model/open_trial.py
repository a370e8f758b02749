"""The record of one open-loop trial: a line of the journal, beside those of the closed loop. PURE.

A line with ``"mode": "open"`` is one of these; a line without ``mode`` is a closed-loop trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadtests.model.plan import TrialSpec
from loadtests.model.trial import Trial

Purpose = Literal["level", "objective"]
"""A planned share of the capacity, or a rate of the search for an objective."""


@dataclass(frozen=True, kw_only=True)
class OpenSpec:
    """One open-loop trial as it is to be measured; ``step`` is that of a search, from 1, else 0."""

    purpose: Purpose
    step: int
    share_ratio: float
    rate_rps: float
    seed: int
    max_in_flight: int
    trial: TrialSpec


@dataclass(frozen=True, kw_only=True)
class Times:
    """Exact percentiles in milliseconds of the requests that were due in one window.

    A request without a good answer counts as slower than every answer; a percentile that lies among
    those is None.
    """

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, kw_only=True)
class OpenTrial:
    """One finished open-loop trial.

    ``due`` requests were due in the window; of them ``dropped`` could not be sent and ``failed``
    were sent and got no good answer; ``late`` took longer than the objective allows, or are among
    those two (None without an objective). ``offered_rps`` is the rate at which requests were sent.
    ``outcomes`` is the table that the samples' column of that name points into. ``measured`` is
    what every trial has: counts, usages, the generator's health.
    """

    mode: Literal["open"] = "open"
    spec: OpenSpec
    due: int
    dropped: int
    failed: int
    late: int | None
    offered_rps: float
    late_p99_ms: float | None
    """From due to sent (99th percentile): the generator's own part of the response times."""
    response: Times
    service: Times
    outcomes: tuple[str, ...]
    measured: Trial

    @property
    def set_aside(self) -> str | None:
        """Why this trial does not count and was measured again, or None for one that counts."""
        return self.measured.set_aside
