"""Reduces the raw records of an open-loop trial to its result. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis import samples
from loadtests.analysis.samples import MICROSECONDS, Columns
from loadtests.model.generator_records import RawTrial
from loadtests.model.latency import Objective
from loadtests.model.open_trial import OpenSpec, OpenTrial, Times
from loadtests.model.plan import Budget

PERCENTS = (50.0, 90.0, 99.0, 99.9)
"""The percentiles that are reported of every level."""

Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Waits:
    """The times in ms of the requests that were due in one window, in no particular order.

    ``response`` has one for each request that was due, ``service`` for each that was sent. A
    request without a good answer took infinitely long.
    """

    response: Milliseconds
    service: Milliseconds


def reduce(raw: RawTrial, spec: OpenSpec, budget: Budget, objective: Objective | None) -> OpenTrial:
    """Return the result of one open-loop trial."""
    columns = samples.read_columns(raw.samples)
    outcomes = raw.finished.outcomes
    window_us = (raw.finished.closed_at_s - raw.finished.opened_at_s) * MICROSECONDS
    due = samples.within(columns.due_us, window_us)
    unsent = samples.has_outcome(columns, outcomes, "dropped")
    sent = due & ~unsent
    times = waits(columns, outcomes, window_us)
    offered = samples.within(columns.sent_us, window_us) & ~unsent
    return OpenTrial(
        spec=spec,
        due=int(np.count_nonzero(due)),
        dropped=int(np.count_nonzero(due & ~sent)),
        failed=int(np.count_nonzero(np.isinf(times.service))),
        late=None if objective is None else count_late(times.response, objective),
        offered_rps=int(np.count_nonzero(offered)) / (window_us / MICROSECONDS),
        late_p99_ms=at_percent(
            np.sort((columns.sent_us[sent] - columns.due_us[sent]) / 1000.0), 99.0
        ),
        response=_times(times.response),
        service=_times(times.service),
        outcomes=tuple(outcomes),
        measured=samples.reduce(raw, budget, service_ms=None),
    )


def waits(columns: Columns, outcomes: Sequence[str], window_us: float) -> Waits:
    """Return the times of the requests due in the window, whenever they were answered."""
    due = samples.within(columns.due_us, window_us)
    good = samples.has_outcome(columns, outcomes, "ok")
    sent = due & ~samples.has_outcome(columns, outcomes, "dropped")
    return Waits(
        response=_elapsed(columns.done_us - columns.due_us, good)[due],
        service=_elapsed(columns.done_us - columns.sent_us, good)[sent],
    )


def count_late(response: Milliseconds, objective: Objective) -> int:
    """Return how many requests took longer than the objective allows, or had no good answer."""
    return int(np.count_nonzero(response > objective.limit_ms))


def at_percent(ordered: Milliseconds, percent: float) -> float | None:
    """Return a percentile of ordered values, one that occurred; None where it is infinite."""
    if ordered.size == 0:
        return None
    # Rounded, because 0.99 · 100 is a little more than 99 as a float, and would give the 100th.
    rank = int(np.ceil(np.round(percent / 100 * ordered.size, 9)))
    value = float(ordered[max(rank, 1) - 1])
    return value if np.isfinite(value) else None


def _times(values: Milliseconds) -> Times:
    ordered = np.sort(values)
    p50, p90, p99, p999 = (at_percent(ordered, percent) for percent in PERCENTS)
    return Times(
        p50_ms=p50, p90_ms=p90, p99_ms=p99, p999_ms=p999, max_ms=at_percent(ordered, 100.0)
    )


def _elapsed(durations_us: samples.Integers, good: samples.Flags) -> Milliseconds:
    return np.where(good, durations_us / 1000.0, np.inf)
