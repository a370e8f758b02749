"""Which requests have answers, or times, that grow over the run? PURE.

What the load writes stays: a list gets longer with each request that adds to it. Each request has
one slope of ln(bytes) or ln(ms) on time inside cells, common to all cells (analysis of covariance,
as in ``analysis.rules.drift``). Different cells may have different sizes and times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.intervals import student_chance
from loadtests.analysis.rules.drift import FEWEST_ROUNDS
from loadtests.model.failures import RequestOutcomes
from loadtests.model.plan import Cell, Plan
from loadtests.model.trial import Trial

GROWTH_LEVEL = 0.001
"""p-value below which a growth is real, over all requests that were tested (Bonferroni)."""

TOLD_RATIO = 0.20
"""Growth from which it is told."""

BROKEN_RATIO = 1.0
"""Growth from which no single figure describes a request: its answers are twice as long."""

LEAST_BYTES = 256
"""Growth of an answer below which it costs nothing: a counter that gets more digits."""

FEW_DIGITS = 100
"""From here on, three digits are a whole number."""

Value = Callable[[RequestOutcomes], float | None]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the answers of one request changed from the first trial to the last.

    ``first`` and ``last`` are the means of the first and of the last round, in bytes or ms.
    """

    worker: str
    workload: str
    name: str
    first: float
    last: float
    ratio: float
    chance: float

    @property
    def is_sure(self) -> bool:
        """Whether it is large enough to be told, and not by chance."""
        return self.ratio > TOLD_RATIO and self.chance < GROWTH_LEVEL


def of_bytes(trials: Sequence[Trial]) -> list[Growth]:
    """Return the requests whose answers got longer, the one that grew most first."""
    found = _growths(trials, _mean_bytes)
    return [growth for growth in found if growth.last - growth.first >= LEAST_BYTES]


def of_times(trials: Sequence[Trial]) -> list[Growth]:
    """Return the requests whose median response time got longer, the one that grew most first."""
    return _growths(trials, lambda request: request.p50_ms)


def explanation(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return which request grew most, and the way out; nothing where none did.

    A longer answer takes longer, so times are told only where no answer got longer.
    """
    longer = of_bytes(trials)
    if longer:
        return f"The answers {_in_words(longer[0], 'bytes')}. {way_out(plan)}"
    slower = of_times(trials)
    if slower:
        return f"The median time {_in_words(slower[0], 'ms')}. {way_out(plan)}"
    return ""


def way_out(plan: Plan) -> str:
    """Return what takes back what the load leaves behind."""
    if plan.reset_command:
        return "What --reset-command runs before each round does not take that back."
    return (
        "If that is what the load leaves behind, name a command that takes it back before each"
        ' round: --reset-command "flask init-db".'
    )


def _in_words(growth: Growth, unit: str) -> str:
    first, last = (
        f"{value:,.0f}" if value >= FEW_DIGITS else f"{value:.3g}"
        for value in (growth.first, growth.last)
    )
    return f"of {growth.name} grew from {first} to {last} {unit}"


def _mean_bytes(request: RequestOutcomes) -> float | None:
    if request.body_bytes is None or not request.completed:
        return None
    return request.body_bytes / request.completed


def _growths(trials: Sequence[Trial], value: Value) -> list[Growth]:
    series = _series(trials, value)
    tested = [growth for key, points in series.items() if (growth := _growth(key, points))]
    corrected = [
        Growth(**vars(growth) | {"chance": min(1.0, growth.chance * len(tested))})
        for growth in tested
    ]
    return sorted(
        (growth for growth in corrected if growth.is_sure), key=lambda growth: -growth.ratio
    )


@dataclass(frozen=True, kw_only=True)
class _Point:
    """The value of one request in one trial."""

    cell: Cell
    round: int
    at_s: float
    value: float


Key = tuple[str, str, str]
"""Worker model, workload and the name of a request."""


def _series(trials: Iterable[Trial], value: Value) -> dict[Key, list[_Point]]:
    series: dict[Key, list[_Point]] = {}
    for trial in trials:
        cell = trial.spec.cell
        for request in trial.requests:
            given = value(request)
            if given:
                series.setdefault((cell.worker, cell.workload, request.name), []).append(
                    _Point(cell=cell, round=trial.spec.round, at_s=trial.started_at_s, value=given)
                )
    return series


def _growth(key: Key, points: Sequence[_Point]) -> Growth | None:
    """Return the growth of one request; None where there are too few trials."""
    rows = list(_centred(points))
    free = len(rows) - len({point.cell for point in points}) - 1
    squares = math.fsum(at_s * at_s for at_s, _ in rows)
    if free < FEWEST_ROUNDS or not squares:
        return None
    slope = math.fsum(at_s * log for at_s, log in rows) / squares
    left = math.fsum((log - slope * at_s) ** 2 for at_s, log in rows)
    error = math.sqrt(left / free / squares)
    moments = [point.at_s for point in points]
    rounds = [point.round for point in points]
    worker, workload, name = key
    return Growth(
        worker=worker,
        workload=workload,
        name=name,
        first=fmean(point.value for point in points if point.round == min(rounds)),
        last=fmean(point.value for point in points if point.round == max(rounds)),
        ratio=math.expm1(slope * (max(moments) - min(moments))),
        chance=student_chance(slope / error, free) if error else float(not slope),
    )


def _centred(points: Sequence[_Point]) -> Iterator[tuple[float, float]]:
    """Yield time and ln value of each point, less the means of its cell."""
    for cell in {point.cell for point in points}:
        own = [point for point in points if point.cell == cell]
        at_s = fmean(point.at_s for point in own)
        log = fmean(math.log(point.value) for point in own)
        for point in own:
            yield point.at_s - at_s, math.log(point.value) - log
