"""How the failures of each request change with the number of replicas. PURE.

None with few replicas and some with more: the application breaks. The same share with any number:
the load or the application is at fault. A share that falls: one replica has too little of
something. ``significance`` decides what may be chance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis import remedies
from loadtests.analysis.failures import significance, wording
from loadtests.analysis.failures.counting import (
    Series,
    Window,
    added,
    kind_of,
    series_of,
    with_unlike,
)
from loadtests.analysis.failures.significance import Sides
from loadtests.analysis.shared import connections
from loadtests.model.failures import AnswerExample, FailureCount, FailureResult, FailureShape
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial

ERROR_LIMIT_RATIO = 0.001
"""Failed requests cost less CPU than good ones. From one in a thousand on, they bias the throughput
by an amount that is not small against the precision."""

LIMIT_KIND = "status 429"

PROXY_LIMIT_KIND = "status 503"
"""What nginx answers where limit_req or limit_conn refuses, unless it is told otherwise."""

PROXY_KINDS = frozenset({"status 502", "status 504"})
"""Answers of the proxy for a replica that gave none."""

ANSWERED_KINDS = frozenset({"rejected", "timeout", "undrained"})
"""Failures that the application is answerable for, beside its statuses. The others are of the
connection between generator and proxy."""

MOSTLY = 0.5
"""Share of the failures from which their kind names the shape."""


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
) -> tuple[FailureResult, ...]:
    """Return how the failures of each series change with the replicas.

    Each worker model and workload has a result for all requests together. A single request has one
    where some failed. ``finished`` adds what could have been seen, which takes a while to compute.
    ``counting_alone`` has the worker models whose servers do not count a rate limit together.
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
        result = _by_connections(_by_the_proxy(_with_examples(result, trials)), trials)
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
    return sum(count for kind, count in window.kinds.items() if _is_of_the_application(kind))


def _is_of_the_application(kind: str) -> bool:
    if kind.startswith("status "):
        return kind != LIMIT_KIND and kind not in PROXY_KINDS
    return kind in ANSWERED_KINDS


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
    kinds = added(count.kinds for count in counts)
    if kinds.get(LIMIT_KIND, 0) >= MOSTLY * sum(kinds.values()):
        return FailureShape.LIMITED
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


def _with_examples(result: FailureResult, trials: Sequence[Trial]) -> FailureResult:
    """Return the result with an answer that was right and one that was not, if there are any."""
    own = [
        (trial.spec.cell.replicas, example)
        for trial in trials
        if (trial.spec.cell.worker, trial.spec.cell.workload) == (result.worker, result.workload)
        for example in trial.examples
        if result.name in {None, example.name}
    ]
    wrong = [example for count, example in own if _is_of(example, result) and _fits(result, count)]
    chosen = _most_telling(result, wrong)
    right = [
        example
        for _, example in sorted(own, key=lambda pair: pair[0])
        if not _is_of(example, result) and (chosen is None or example.name == chosen.name)
    ]
    known = _remedy(result, chosen)
    return replace(
        result,
        wrong=chosen,
        right=right[0] if right and chosen is not None else None,
        cause=known.cause + _figures(known, result, trials) if known else "",
        remedy=known.advice if known else "",
    )


def _most_telling(result: FailureResult, wrong: Sequence[AnswerExample]) -> AnswerExample | None:
    """Return the failure that explains most: where something breaks, one that counts for that.

    Of these, one of the commonest kind; and then one with a line of the log.
    """
    kinds = list(added(count.kinds for count in result.counts))

    def rank(example: AnswerExample) -> tuple[int, bool]:
        kind = _kind_of(example)
        order = kinds.index(kind) if kind in kinds else len(kinds)
        return (order if result.breaks_at else 0), example.log_line is None

    counting = [
        example
        for example in wrong
        if not result.breaks_at or _is_of_the_application(_kind_of(example))
    ]
    return min(counting, key=rank, default=None)


def _kind_of(example: AnswerExample) -> str:
    """Return the kind of an example; a good answer is one where its status is the failure."""
    outcome = "status" if example.outcome == "ok" else example.outcome
    return kind_of(outcome, example.status or 0)


def _by_the_proxy(result: FailureResult) -> FailureResult:
    """Return failures that a proxy answered by itself as a limit, which is no break.

    Most of the failures have to be of that kind. A replica may have an nginx of its own, whose page
    for another status is the application's answer.
    """
    known, wrong = remedies.PROXY_LIMIT, result.wrong
    if not result.breaks_at or wrong is None or _kind_of(wrong) != PROXY_LIMIT_KIND:
        return result
    kinds = added(count.kinds for count in result.counts)
    is_most = kinds.get(PROXY_LIMIT_KIND, 0) >= MOSTLY * sum(kinds.values())
    if not is_most or known.words.search(wrong.body_start) is None:
        return result
    return replace(
        result,
        shape=FailureShape.LIMITED,
        breaks_at=(),
        cause=known.cause,
        remedy=known.advice,
    )


def _figures(known: remedies.Remedy, result: FailureResult, trials: Sequence[Trial]) -> str:
    """Return the figures of a cause that has some, as the end of its clause."""
    if known is not remedies.CONNECTIONS:
        return ""
    failing = [count.replicas for count in result.counts if count.failed]
    replicas = min(result.breaks_at or failing or [result.counts[-1].replicas])
    return connections.refused(_connections(result, trials), replicas)


def _connections(result: FailureResult, trials: Sequence[Trial]) -> connections.Connections | None:
    return connections.of([trial for trial in trials if trial.spec.cell.worker == result.worker])


def _by_connections(result: FailureResult, trials: Sequence[Trial]) -> FailureResult:
    """Return failures for want of connections as a break where the arithmetic says so.

    All replicas of a run are up at once, and pools keep what they opened. So a store may refuse
    with few replicas under load what only many of them want.
    """
    known = _connections(result, trials)
    if known is None or not result.cause.startswith(remedies.CONNECTIONS.cause):
        return result
    beyond = tuple(c.replicas for c in result.counts if known.wanted(c.replicas) > known.most)
    if result.breaks_at or not beyond or len(beyond) == len(result.counts):
        return result
    return replace(
        result,
        shape=FailureShape.MORE_SERVERS,
        breaks_at=beyond,
        cause=remedies.CONNECTIONS.cause + connections.refused(known, min(beyond)),
    )


def _is_of(example: AnswerExample, result: FailureResult) -> bool:
    """Return whether an answer is one of the failures, by its outcome or by its status."""
    kinds = added(count.kinds for count in result.counts)
    return example.outcome != "ok" or f"status {example.status}" in kinds


def _fits(result: FailureResult, count: int) -> bool:
    return not result.breaks_at or count in result.breaks_at


def _remedy(result: FailureResult, example: AnswerExample | None) -> remedies.Remedy | None:
    if result.shape is FailureShape.NONE:
        return None
    if result.shape is FailureShape.LIMITED:
        return remedies.LIMITER
    texts = [result.name or ""]
    if example is not None:
        texts = [example.log_line or "", example.body_start, example.location or "", example.name]
    known = remedies.remedy_for(*texts)
    if known is None and result.shape is FailureShape.MORE_SERVERS and _is_refusal(result, example):
        return remedies.SESSION
    return known


def _is_refusal(result: FailureResult, example: AnswerExample | None) -> bool:
    """Return whether the failures say that nobody is logged in."""
    refusals = {"status 401", "status 403", "status 302", "status 303"}
    kinds = added(count.kinds for count in result.counts)
    commonest = next(iter(kinds), "")
    redirects = example is not None and wording.is_login(example.location or "")
    return commonest in refusals or redirects
