"""How the failures of each request change with the number of replicas. PURE.

None with few replicas and some with more: the application breaks. The same share with any number:
the load or the application is at fault. A share that falls: one replica has too little of
something. ``significance`` decides what may be chance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.failures import causes, kinds, significance, wording
from loadtests.analysis.failures.counting import (
    Series,
    Window,
    added,
    all_kinds,
    series_of,
    with_unlike,
)
from loadtests.analysis.failures.significance import Sides
from loadtests.model.failures import FailureCount, FailureResult, FailureShape
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial

ERROR_LIMIT_RATIO = 0.001
"""Failed requests cost less CPU than good ones. From one in a thousand on, they bias the throughput
by an amount that is not small against the precision."""


@dataclass(frozen=True, kw_only=True)
class _Split:
    """A series split at a number of replicas."""

    at: int
    sides: Sides

    @property
    def log_chance(self) -> float:
        return significance.log_chance(self.sides)


def results(
    plan: Plan,
    trials: Sequence[Trial],
    *,
    finished: bool,
    counting_alone: Collection[str] = (),
    losing_sessions: Collection[tuple[str, str]] = (),
) -> tuple[FailureResult, ...]:
    """Return how the failures of each series change with the replicas.

    Each worker model and workload has a result for all requests together. A single request has one
    where some failed. ``finished`` adds what could have been seen, which takes a while to compute.
    ``counting_alone`` has the worker models whose servers do not count a rate limit together, and
    ``losing_sessions`` those, with the workload, whose users may lose theirs to one another.
    """
    all_series = series_of(plan, trials)
    both = [(series, with_unlike(series)) for series in all_series]
    splits = {id(each): _splits(each) for pair in both for each in pair if each is not None}
    level = significance.level(
        [
            significance.least_log_chance(split.sides)
            for own in splits.values()
            for split in own
            if split.log_chance < 0
        ]
    )
    judged = []
    for series, unlike in both:
        result = _judge(series, splits[id(series)], level)
        if unlike is not None and not result.breaks_at:
            # Answers of another kind count where they are shown to come with the replicas.
            stricter = _judge(unlike, splits[id(unlike)], level)
            result = stricter if stricter.breaks_at else result
        if series.name is not None and not any(count.failed for count in result.counts):
            continue
        loses = (series.worker, series.workload) in losing_sessions
        result = causes.with_cause(result, trials, loses_sessions=loses)
        if finished:
            result = replace(result, visible_ratio=_visible(series))
        alone = series.worker in counting_alone
        judged.append(wording.explained(result, counts_alone=alone))
    return tuple(judged)


def is_break(result: FailureResult, *, worker: str, workload: str, counts: Iterable[int]) -> bool:
    """Return whether requests of this cell fail only because of the number of replicas."""
    return (result.worker, result.workload) == (worker, workload) and bool(
        set(result.breaks_at) & set(counts)
    )


def _splits(series: Series) -> tuple[_Split, ...]:
    counts = sorted(series.windows)
    return tuple(
        _Split(
            at=count,
            sides=Sides(
                below=_counted(series, [below for below in counts if below < count]),
                above=_counted(series, [above for above in counts if above >= count]),
            ),
        )
        for count in counts[1:]
    )


def _counted(series: Series, counts: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(
        (_of_the_application(window), window.total)
        for count in counts
        for window in series.windows[count]
    )


def _of_the_application(window: Window) -> int:
    return sum(count for kind, count in window.kinds.items() if kinds.is_of_the_application(kind))


def _judge(series: Series, splits: Sequence[_Split], level: float) -> FailureResult:
    counts = tuple(
        _count(replicas, series.windows[replicas]) for replicas in sorted(series.windows)
    )
    result = FailureResult(
        worker=series.worker,
        workload=series.workload,
        name=series.name,
        shape=FailureShape.NONE,
        counts=counts,
        limit_ms=series.limit_ms,
        detail="",
    )
    breaks = [split for split in splits if significance.is_break(split.sides, level)]
    if breaks:
        best = min(breaks, key=lambda split: split.log_chance)
        return replace(
            result,
            shape=FailureShape.MORE_SERVERS,
            breaks_at=_failing_from(best, counts),
            chance=math.exp(best.log_chance),
        )
    chances = [split.log_chance for split in splits if _only_above(split)]
    return replace(result, shape=_shape(counts), chance=math.exp(min(chances)) if chances else None)


def _only_above(split: _Split) -> bool:
    """Return whether failures have to be told from chance: some above, and none below."""
    below, above = split.sides.below, split.sides.above
    return not any(failed for failed, _ in below) and any(failed for failed, _ in above)


def _failing_from(split: _Split, counts: Sequence[FailureCount]) -> tuple[int, ...]:
    return tuple(
        count.replicas
        for count in counts
        if count.replicas >= split.at and count.ratio >= significance.LEAST_RATIO
    )


def _shape(counts: Sequence[FailureCount]) -> FailureShape:
    """Return the shape of failures that are no break."""
    if all(count.ratio < ERROR_LIMIT_RATIO for count in counts):
        return FailureShape.NONE
    found = all_kinds(counts)
    if found.get(kinds.LIMIT_KIND, 0) >= kinds.MOSTLY * sum(found.values()):
        return FailureShape.LIMITED
    if found.get(kinds.TOO_SLOW_KIND, 0) >= kinds.MOSTLY * sum(found.values()):
        return FailureShape.TOO_SLOW
    fewest, most = counts[0], counts[-1]
    fewest_pair, most_pair = (fewest.failed, fewest.total), (most.failed, most.total)
    if significance.falls(fewest_pair, most_pair):
        return FailureShape.FALLING
    if significance.falls(most_pair, fewest_pair):
        return FailureShape.RISING
    return FailureShape.ALIKE


def _count(replicas: int, windows: Sequence[Window]) -> FailureCount:
    return FailureCount(
        replicas=replicas,
        failed=sum(window.failed for window in windows),
        total=sum(window.total for window in windows),
        windows=len(windows),
        failed_windows=sum(window.failed > 0 for window in windows),
        kinds=added(window.kinds for window in windows),
        failed_by=added(window.failed_by for window in windows),
    )


def _visible(series: Series) -> dict[int, float]:
    visible: dict[int, float] = {}
    for split in _splits(series):
        below, above = (
            tuple(total for _, total in side) for side in (split.sides.below, split.sides.above)
        )
        ratio = significance.visible_ratio(below, above) if all(below) and all(above) else None
        if ratio is not None:
            visible[split.at] = ratio
    return visible
