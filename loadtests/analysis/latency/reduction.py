"""From what was seen of an open-loop trial to its record. PURE."""

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
"""The percentiles that are told of every level."""

Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long each request that was due in one window took, in ms; infinite without good answer.

    ``service`` has a row a request that was sent, ``response`` one a request that was due, in no
    particular order.
    """

    response: Milliseconds
    service: Milliseconds


def reduce(raw: RawTrial, spec: OpenSpec, budget: Budget, objective: Objective | None) -> OpenTrial:
    """Work out the record of one open-loop trial."""
    columns = samples.read_columns(raw.samples)
    outcomes = raw.finished.outcomes
    window_us = (raw.finished.closed_at_s - raw.finished.opened_at_s) * MICROSECONDS
    due = samples.within(columns.due_us, window_us)
    unsent = samples.has_outcome(columns, outcomes, "dropped")
    sent = due & ~unsent
    found = waits(columns, outcomes, window_us)
    offered = samples.within(columns.sent_us, window_us) & ~unsent
    return OpenTrial(
        spec=spec,
        due=int(np.count_nonzero(due)),
        dropped=int(np.count_nonzero(due & ~sent)),
        failed=int(np.count_nonzero(np.isinf(found.service))),
        late=None if objective is None else count_late(found.response, objective),
        offered_rps=int(np.count_nonzero(offered)) / (window_us / MICROSECONDS),
        late_p99_ms=at_percent(
            np.sort((columns.sent_us[sent] - columns.due_us[sent]) / 1000.0), 99.0
        ),
        response=_times(found.response),
        service=_times(found.service),
        outcomes=tuple(outcomes),
        measured=samples.reduce(raw, budget, service_ms=None),
    )


def waits(columns: Columns, outcomes: Sequence[str], window_us: float) -> Waits:
    """Give the times of the requests that were due in the window, wherever they were answered."""
    due = samples.within(columns.due_us, window_us)
    good = samples.has_outcome(columns, outcomes, "ok")
    sent = due & ~samples.has_outcome(columns, outcomes, "dropped")
    return Waits(
        response=_elapsed(columns.done_us - columns.due_us, good)[due],
        service=_elapsed(columns.done_us - columns.sent_us, good)[sent],
    )


def count_late(response: Milliseconds, objective: Objective) -> int:
    """Give how many requests took longer than the objective allows, or had no good answer."""
    return int(np.count_nonzero(response > objective.limit_ms))


def at_percent(ordered: Milliseconds, percent: float) -> float | None:
    """Give the exact percentile of ordered values (one that occurred); None if it is infinite."""
    if ordered.size == 0:
        return None
    # Rounded first: 99 % of 100 is the 99th value, not (by the last bit of a float) the 100th.
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
