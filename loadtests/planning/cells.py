"""The cells of a plan, and the trials on them. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

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
