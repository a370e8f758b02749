"""The axes and marks that all plots against replicas share. PURE."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.estimates import trials_by_cell
from loadtests.model.result import CellResult, Estimate, RunResult
from loadtests.model.trial import Trial
from loadtests.report.plots.drawing import LEFT, RIGHT, Mark, Tick
from loadtests.report.plots.scale import Scale, ticks

DOTS_WIDTH = 32.0
"""Pixels over which the rounds of one cell are spread at most, in their order."""

TEXT_WIDTH = 34.0
"""Pixels that an estimate's text needs; the tables hold those that are left out."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """The cells of one worker model and workload, by replicas, with their trials by round.

    ``number`` is the worker model's place in the plan, which gives its colour.
    """

    number: int
    cells: tuple[CellResult, ...]
    trials: tuple[Mapping[int, Trial], ...]

    @property
    def worker(self) -> str:
        """The worker model's name."""
        return self.cells[0].cell.worker

    @property
    def workload(self) -> str:
        """The workload's name."""
        return self.cells[0].cell.workload

    @property
    def most(self) -> int:
        """The most replicas."""
        return self.cells[-1].cell.replicas


def series(result: RunResult, trials: Sequence[Trial]) -> list[Series]:
    """Return a series for each worker model and workload, in the plan's order."""
    by_cell = trials_by_cell(trials)
    numbers = worker_numbers(result)
    grouped: dict[tuple[str, str], list[CellResult]] = {}
    for cell in sorted(result.cells, key=lambda cell: cell.cell.replicas):
        grouped.setdefault((cell.cell.workload, cell.cell.worker), []).append(cell)
    return [
        Series(
            number=numbers[worker],
            cells=tuple(cells),
            trials=tuple(by_cell.get(cell.cell, {}) for cell in cells),
        )
        for (_, worker), cells in grouped.items()
    ]


def worker_numbers(result: RunResult) -> dict[str, int]:
    """Return each worker model's place in the plan."""
    return {worker.name: number for number, worker in enumerate(result.plan.workers)}


def replica_scale(most: float) -> Scale:
    """Return the scale of an axis of replicas: from 0, so that ideal scaling is a straight line."""
    return Scale(low=0, high=most * 1.08, start=LEFT, end=RIGHT)


def replica_ticks(counts: Sequence[int], x: Scale) -> tuple[Tick, ...]:
    """Return a tick for each count, leaving out those whose texts would touch the last one's."""
    spaced: list[Tick] = []
    for count in sorted(counts, reverse=True):
        if not spaced or spaced[-1].at - x(count) >= 12:
            spaced.append(Tick(at=x(count), text=str(count)))
    return tuple(reversed(spaced))


def value_ticks(y: Scale) -> tuple[Tick, ...]:
    """Return round values from an axis of values."""
    return tuple(Tick(at=y(value), text=f"{value:g}") for value in ticks(y.low, y.high))


def spread(x: float, trial: Trial, rounds: int, width: float) -> float:
    """Return the place of a trial's dot: its round's turn around the cell's place."""
    share = (trial.spec.round - (rounds + 1) / 2) / max(rounds - 1, 1)
    return round(x + min(0.5, max(-0.5, share)) * width, 1)


def dots_width(places: Sequence[float]) -> float:
    """Return the width that the rounds of one cell may take without touching the next cell's."""
    gaps = [after - before for before, after in itertools.pairwise(sorted(places))]
    return min([DOTS_WIDTH, *(0.7 * gap for gap in gaps)])


def thinned(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks without the texts that would touch the next one's."""
    spaced: list[Mark] = []
    for current in sorted(marks, key=lambda mark: -mark.x):
        texts = [other.text_x for other in spaced if other.text]
        near = bool(texts) and texts[-1] - current.text_x < TEXT_WIDTH
        spaced.append(replace(current, text="") if near else current)
    return tuple(reversed(spaced))


def mark(x: float, estimate: Estimate, y: Scale, text: str) -> Mark:
    """Return an estimate's mark, its text below it, or above it near the axis."""
    place = y(estimate.estimate or 0.0)
    near_axis = place > y.start - 26
    return Mark(
        x=x,
        y=place,
        low=None if estimate.low is None else y(estimate.low),
        high=None if estimate.high is None else y(estimate.high),
        text=text,
        text_x=round(x + (0 if near_axis else 12), 1),
        text_y=round(place + (-12 if near_axis else 16), 1),
    )
