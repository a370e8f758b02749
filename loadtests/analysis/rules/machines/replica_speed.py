"""Does one replica that is slower than the others explain what a doubling lost? PURE.

A balancer that takes turns makes all users wait for the slowest replica. One that answers half as
much by itself, because of its disk, its core or what it met at its start, makes a perfect doubling
look like one that gains nothing. The throughputs of the replicas alone show it: in the cell of one
replica each of them has its turn.

With x the mean logarithm of the throughput of a replica alone, a cell gives what its slowest one
allows. So each round's logarithm of the factor is corrected by x of the slowest replica of the
smaller cell, less x of the slowest of the larger one. What is lost then has another cause.

A store, its connections or a locked file that is full in the larger cell is a limit of the
application. No replica's speed takes it away, so a loss stands there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis import bottleneck, estimates
from loadtests.analysis.digits import figure, fixed
from loadtests.analysis.intervals import geometric_mean, student_chance
from loadtests.analysis.rules.finding import found
from loadtests.analysis.rules.machines.speed import (
    CHANCE,
    SPEED_LIMIT_RATIO,
    SPREAD_DEGREES,
    SPREAD_RATIO,
)
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate, Finding
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck, RuleCode

CODE = RuleCode.REPLICA_SPEED

OF_ALL = frozenset({Bottleneck.STORE, Bottleneck.CONNECTIONS, Bottleneck.FILE_LOCK})
"""What limits a cell however fast its replicas are."""

Alone = Mapping[int, Sequence[float]]
"""By replica, the logarithm of its throughput in each window in which it was alone."""


@dataclass(frozen=True, kw_only=True)
class _Slowest:
    """The slowest replica: how much more time the mean of the others leaves it, as a ratio.

    ``chance`` is the p-value of starts that are equally fast, over all replicas (Bonferroni).
    """

    member: int
    more_ratio: float
    chance: float

    @property
    def is_shown(self) -> bool:
        return self.more_ratio > SPEED_LIMIT_RATIO and self.chance < CHANCE


def replica_speed(plan: Plan, small: Cell, large: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Check that a loss is not one replica's; None where replicas alone cannot be compared.

    The rule is broken where a replica is certainly slower by itself, the factor falls short, and
    that is not shown any more without what that replica takes. Only our own proxy takes turns for
    sure.
    """
    if plan.tested.kind is TargetKind.URL or plan.tested.through is not None:
        return None
    by_cell = estimates.trials_by_cell(trials)
    one = Cell(worker=large.worker, workload=large.workload, replicas=1)
    alone = _alone([*by_cell.get(one, {}).values()])
    slowest = _slowest(alone)
    if slowest is None:
        return None
    below, above = by_cell.get(small, {}), by_cell.get(large, {})
    factor = estimates.throughput_ratio(above, below)
    without = _without(alone, below, above)
    broken = (
        slowest.is_shown
        and _falls_short(factor, plan.target)
        and without.high is not None
        and without.high >= plan.target
        and bottleneck.judge(bottleneck.resources(plan, large, [*above.values()]))[0] not in OF_ALL
    )
    return found(
        CODE,
        large,
        broken=broken,
        figure=slowest.more_ratio,
        limit=SPEED_LIMIT_RATIO,
        detail=_in_words(plan, large, slowest, alone, without if broken else None),
    )


def _alone(trials: Sequence[Trial]) -> Alone:
    alone: dict[int, list[float]] = {}
    for trial in trials:
        if trial.throughput_rps > 0:
            (member,) = trial.spec.members
            alone.setdefault(member, []).append(math.log(trial.throughput_rps))
    return alone


def _slowest(alone: Alone) -> _Slowest | None:
    """Compare the slowest replica with the mean of the others; None where that is not possible.

    Windows of one start differ, and so do starts. The variance between windows is pooled, that of
    starts is known in general (``speed.SPREAD_RATIO``), and their degrees of freedom are added up
    as by Satterthwaite (1946).
    """
    means = {member: fmean(logs) for member, logs in alone.items()}
    degrees = sum(len(logs) - 1 for logs in alone.values())
    if len(means) < 2 or not degrees:
        return None
    member = min(means, key=lambda each: means[each])
    others = [each for each in means if each != member]
    squares = math.fsum((log - means[one]) ** 2 for one, logs in alone.items() for log in logs)
    windows = 1 / len(alone[member])
    windows += math.fsum(1 / len(alone[each]) for each in others) / len(others) ** 2
    of_windows = squares / degrees * windows
    of_starts = SPREAD_RATIO**2 * (1 + 1 / len(others))
    total = of_windows + of_starts
    together = total**2 / (of_windows**2 / degrees + of_starts**2 / SPREAD_DEGREES)
    apart = fmean(means[each] for each in others) - means[member]
    chance = student_chance(apart / math.sqrt(total), max(1, int(together)))
    return _Slowest(
        member=member, more_ratio=math.expm1(apart), chance=min(1.0, chance * len(means))
    )


def _without(alone: Alone, below: estimates.ByRound, above: estimates.ByRound) -> Estimate:
    """Return the factor without what the slowest replica of either cell takes."""
    means = {member: fmean(logs) for member, logs in alone.items()}
    logs = []
    for number in sorted(below.keys() & above.keys()):
        cells = (above[number], below[number])
        if not all(trial.throughput_rps > 0 for trial in cells):
            continue
        if not all(set(trial.spec.members) <= means.keys() for trial in cells):
            continue
        upper, lower = (
            math.log(trial.throughput_rps) - min(means[member] for member in trial.spec.members)
            for trial in cells
        )
        logs.append(upper - lower)
    return geometric_mean(logs)


def _falls_short(factor: Estimate, target: float) -> bool:
    return factor.high is not None and factor.high < target


def _in_words(
    plan: Plan, cell: Cell, slowest: _Slowest, alone: Alone, without: Estimate | None
) -> str:
    name = f"{cell.worker}-{slowest.member}"
    rates = {member: math.exp(fmean(logs)) for member, logs in alone.items()}
    others = fmean(rate for member, rate in rates.items() if member != slowest.member)
    told = (
        f"{name} alone answers {figure(rates[slowest.member])} requests/s, and the others"
        f" {figure(others)} on average."
    )
    if without is None or not (without.estimate and without.low and without.high):
        return told
    may = "is" if without.low >= plan.target else "may be"
    low, high = fixed(without.low, 2), fixed(without.high, 2)
    return (
        f"{told} The proxy takes turns, so all users wait for the slowest replica. Without that the"
        f" factor from {cell.replicas // 2} to {cell.replicas} replicas would be about"
        f" {fixed(without.estimate, 2)} [{low}, {high}], so the loss {may} that of one replica."
        f" Look for what only {name} has: its disk, its log, what it met at its start, or what"
        " another replica keeps from it, such as a lock."
    )
