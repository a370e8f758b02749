"""The requests of each name in each cell: rate, share, times, failures and bytes. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from loadtests.model.failures import RequestOutcomes
from loadtests.model.result import CellResult, RequestResult
from loadtests.model.trial import Trial


def results(cells: Sequence[CellResult], trials: Sequence[Trial]) -> tuple[RequestResult, ...]:
    """Return the requests of each name in each cell, the commonest name of a cell first.

    A cell without a trial that counts by name, as in journals of older versions, has none.
    """
    return tuple(
        row
        for cell in cells
        for row in _of_cell(cell, [trial for trial in trials if trial.spec.cell == cell.cell])
    )


def _of_cell(cell: CellResult, trials: Sequence[Trial]) -> list[RequestResult]:
    counted = [request for trial in trials for request in trial.requests]
    completed = sum(request.completed for request in counted)
    asked = sum(request.completed + request.failed for request in counted)
    by_name: dict[str, list[RequestOutcomes]] = {}
    for request in counted:
        by_name.setdefault(request.name, []).append(request)
    rows = [
        _row(cell, name, windows, completed=completed, asked=asked)
        for name, windows in by_name.items()
    ]
    return sorted(rows, key=lambda row: (-row.requests, row.name))


def _row(
    cell: CellResult,
    name: str,
    windows: Sequence[RequestOutcomes],
    *,
    completed: int,
    asked: int,
) -> RequestResult:
    right = sum(request.completed for request in windows)
    failed = sum(request.failed for request in windows)
    rate = cell.throughput_rps.estimate
    return RequestResult(
        cell=cell.cell,
        name=name,
        requests=right + failed,
        failed=failed,
        share_ratio=(right + failed) / asked if asked else None,
        # The names' shares of the cell's rate, so that they add up to it.
        throughput_rps=None if rate is None or not completed else rate * right / completed,
        p50_ms=_median(request.p50_ms for request in windows),
        p99_ms=_median(request.p99_ms for request in windows),
        mean_bytes=_mean_bytes(windows),
    )


def _median(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None


def _mean_bytes(windows: Sequence[RequestOutcomes]) -> float | None:
    counted = [request for request in windows if request.body_bytes is not None]
    answers = sum(request.completed for request in counted)
    if not answers:
        return None
    return math.fsum(request.body_bytes or 0 for request in counted) / answers
