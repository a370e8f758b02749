"""Were the answers the same with twice the replicas, by their length? PURE.

An answer that is cut short, replaced by a fallback, or by another page that redirects led to, has a
good status and costs less. Then the factor compares different work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.intervals import standard_error, student_chance
from loadtests.analysis.rules.finding import found
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

CODE = RuleCode.ANSWER_SIZE

LIMIT_RATIO = 0.10
"""Change of a request's mean body, to either side, that has to be exceeded."""

LEVEL = 0.001
"""Chance that it is called exceeded though it is not, over all requests of a doubling."""

LEAST_BYTES = 32
"""Change of the mean body below which it is no other answer: a counter with more digits."""

FEWEST_ANSWERS = 20
"""Good answers of a request in a window, from which on its mean body is looked at."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """The mean bodies of one request, in bytes, before and after a doubling.

    ``log`` is the mean of ln(after / before) over the rounds. ``chance`` is the p-value of "it
    changed by no more than the limit", by Student's t, one-sided.
    """

    name: str
    before: float
    after: float
    log: float
    chance: float


def answer_size(_: Plan, small: Cell, large: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Check the mean body of each request, round by round; None where nobody counted bytes."""
    changes = list(_changes(small, large, trials))
    if not changes:
        return None
    sure = [each for each in changes if each.chance < LEVEL / len(changes)]
    largest = max(sure or changes, key=lambda change: abs(change.log))
    detail = f"Answers had the same length at {small.replicas} and at {large.replicas} replicas."
    if sure:
        detail = (
            f"The answers to {largest.name} have {largest.before:,.0f} bytes on average at"
            f" {small.replicas} and {largest.after:,.0f} at {large.replicas} replicas. Other"
            " answers are other work, so the factor means nothing. Say what a right one contains"
            " (expect)."
        )
    return found(
        CODE,
        large,
        broken=bool(sure),
        figure=math.expm1(largest.log),
        limit=LIMIT_RATIO,
        detail=detail,
    )


def _changes(small: Cell, large: Cell, trials: Sequence[Trial]) -> Iterator[Change]:
    below, above = _by_round(small, trials), _by_round(large, trials)
    both = [(below[number], above[number]) for number in sorted(below.keys() & above.keys())]
    for name in dict.fromkeys(name for sizes, _ in both for name in sizes):
        pairs = [(one[name], two[name]) for one, two in both if name in one and name in two]
        if pairs:
            yield _change(name, pairs)


def _change(name: str, pairs: Sequence[tuple[float, float]]) -> Change:
    before, after = (fmean(sizes) for sizes in zip(*pairs, strict=True))
    logs = [math.log(two / one) for one, two in pairs]
    beyond = abs(fmean(logs)) - math.log1p(LIMIT_RATIO)
    chance = 1.0
    if len(logs) > 1 and beyond > 0 and abs(after - before) >= LEAST_BYTES:
        error = standard_error(logs)
        chance = student_chance(beyond / error, len(logs) - 1) / 2 if error else 0.0
    return Change(name=name, before=before, after=after, log=fmean(logs), chance=chance)


def _by_round(cell: Cell, trials: Sequence[Trial]) -> dict[int, dict[str, float]]:
    """Return the mean body of each request that has answers enough, by the round."""
    return {
        trial.spec.round: {
            request.name: max(1.0, request.body_bytes / request.completed)  # an empty one, too
            for request in trial.requests
            if request.body_bytes is not None and request.completed >= FEWEST_ANSWERS
        }
        for trial in trials
        if trial.spec.cell == cell
    }
