"""How much of a doubling's factor may be the machine's, where CPU is what is full. PURE.

A replica that has a part of a core stands still for most of each CPU period. Meanwhile its code
leaves the caches, and its neighbours on the core warm or cool them. So on servers that share
nothing, a request costs a few per cent more or less CPU with twice the replicas. On cores of their
own it would not. Nobody can tell this from an application whose requests do more or less work with
more replicas. So the interval reaches further: as far as CPU per request changed, towards the
factor that unchanged requests would have given, and by ``MOST`` at the most. What is more than that
is the application's. A speed-up is a product of doublings, so its interval reaches as far as those
of its doublings together, and so does that of a fitted law. ``docs/measurements.md`` has the
figures, below "Coverage of the intervals, where CPU is full".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.intervals import half_width_ratio
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult, DoublingResult, Estimate
from loadtests.model.vocabulary import Bottleneck

MOST = 0.03
"""By how much CPU per request may change because of the machine alone, as a ratio. Perfect systems
changed by up to 8 %; with 3 % all of their intervals hold 2.0."""

LEAST_TOLD = 0.005
"""A smaller share is in the interval without a word."""


def widened(doubling: DoublingResult, plan: Plan, cells: Sequence[CellResult]) -> DoublingResult:
    """Return the doubling with an interval that holds what may be the machine's.

    Nothing changes where CPU was not full at both counts, where no two replicas share a core, or
    where the factor has no interval.
    """
    share = share_ratio(doubling, plan, cells)
    low, high = doubling.factor.low, doubling.factor.high
    if not share or low is None or high is None:
        return doubling
    wider = replace(
        doubling.factor,
        low=low * (1 + min(share, 0.0)),
        high=high * (1 + max(share, 0.0)),
    )
    return replace(
        doubling,
        factor=wider,
        half_width_ratio=half_width_ratio(wider),
        machine_share_ratio=share,
    )


def share_ratio(doubling: DoublingResult, plan: Plan, cells: Sequence[CellResult]) -> float:
    """Return how far the interval reaches beyond chance: up where it is above 0, else down."""
    changed = doubling.cpu_per_request_factor
    budget = plan.budget.replica_cpus
    if not changed or budget is None or budget >= 1:
        return 0.0
    if not plan.budget.share_cores(doubling.replicas_to) or not _cpu_is_full(doubling, cells):
        return 0.0
    return math.copysign(min(abs(changed - 1), MOST), changed - 1)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The factors by which a speed-up's interval reaches beyond chance: ``down`` ≤ 1 ≤ ``up``."""

    down: float = 1.0
    up: float = 1.0


def reach(cell: Cell, doublings: Sequence[DoublingResult]) -> Reach:
    """Return how far the speed-up of a cell reaches, by the doublings that lead to it.

    A replica count to which no doubling leads, such as 3 beside 1, 2 and 4, has no reach.
    """
    down = up = 1.0
    steps = {
        doubling.replicas_to: doubling
        for doubling in doublings
        if (doubling.worker, doubling.workload) == (cell.worker, cell.workload)
    }
    step = steps.get(cell.replicas)
    while step is not None:
        down *= 1 + min(step.machine_share_ratio, 0.0)
        up *= 1 + max(step.machine_share_ratio, 0.0)
        step = steps.get(step.replicas_from)
    return Reach(down=down, up=up)


def with_wider_speedups(
    cells: Sequence[CellResult], doublings: Sequence[DoublingResult]
) -> tuple[CellResult, ...]:
    """Return the cells with speed-ups whose intervals hold what may be the machine's."""
    return tuple(_with_wider_speedup(result, reach(result.cell, doublings)) for result in cells)


def _with_wider_speedup(result: CellResult, reached: Reach) -> CellResult:
    low, high = result.speedup.low, result.speedup.high
    if low is None or high is None:
        return result
    wider = replace(result.speedup, low=low * reached.down, high=high * reached.up)
    return replace(result, speedup=wider)


def of_chance(doubling: DoublingResult) -> Estimate:
    """Return the factor with the interval of chance alone, which more rounds make narrower."""
    low, high, share = doubling.factor.low, doubling.factor.high, doubling.machine_share_ratio
    if low is None or high is None:
        return doubling.factor
    return replace(
        doubling.factor,
        low=low / (1 + min(share, 0.0)),
        high=high / (1 + max(share, 0.0)),
    )


def in_words(doubling: DoublingResult) -> str:
    """Return what was added to the interval, in words; empty where next to nothing was."""
    share, changed = doubling.machine_share_ratio, doubling.cpu_per_request_factor
    if abs(share) < LEAST_TOLD or changed is None:
        return ""
    part = "That" if abs(changed - 1) <= MOST else f"{MOST * 100:.0f} percentage points of that"
    where = "up" if share > 0 else "down"
    return (
        f"CPU per request changed by {changed - 1:+.1%}. {part} can be the shared cores' doing, so"
        f" the interval reaches as much further {where}."
    )


def _cpu_is_full(doubling: DoublingResult, cells: Sequence[CellResult]) -> bool:
    counts = (doubling.replicas_from, doubling.replicas_to)
    kinds = [
        result.bottleneck
        for result in cells
        if (result.cell.worker, result.cell.workload) == (doubling.worker, doubling.workload)
        and result.cell.replicas in counts
    ]
    return len(kinds) == len(counts) and set(kinds) == {Bottleneck.REPLICA_CPU}
