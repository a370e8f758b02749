"""The cells of a plan, and the trials on them. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random

from loadtests.model.plan import Cell, TrialSpec
from loadtests.model.tested.workload import Workload


def cells_of(
    workloads: Sequence[Workload], workers: Sequence[str], counts: Sequence[int]
) -> tuple[Cell, ...]:
    """Return every worker model × workload × number of replicas, by workload first."""
    return tuple(
        Cell(worker=worker, workload=workload.name, replicas=count)
        for workload, worker, count in product(workloads, workers, counts)
    )


def trial_spec(
    number: int, position: int, cell: Cell, *, members: tuple[int, ...], port: int
) -> TrialSpec:
    """Return a trial of round ``number``, which is the ``position``-th of it; both from 1."""
    return TrialSpec(
        id=f"r{number:02d}-{position:02d}-{cell.worker}-{cell.workload}-{cell.replicas}",
        round=number,
        position=position,
        cell=cell,
        members=members,
        port=port,
    )


def round_order(cells: tuple[Cell, ...], rng: Random) -> list[Cell]:
    """Return a round's order: series in random order, and the cells of each in random order.

    The cells of a doubling are close in time, because windows that are close differ less: by 2 to
    3 % within 4 s, and by 4 to 5 % beyond 30 s.
    """
    series: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        series.setdefault((cell.worker, cell.workload), []).append(cell)
    blocks = rng.sample(list(series.values()), k=len(series))
    return [cell for block in blocks for cell in rng.sample(block, k=len(block))]
