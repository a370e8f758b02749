"""The requests by name, with the fewest and the most replicas side by side. PURE.

A workload with a single name has no table: its figures are those of the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.model.result import RequestResult, RunResult
from loadtests.report.rounding import UNKNOWN, figure

TITLE = "Requests by name"

COLUMNS = ("requests/s", "share", "p50 ms", "p99 ms", "failed", "bytes")


LEAST_SHARE = 0.005
"""The least share that is a whole per cent."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One name's figures with the fewest and the most replicas; None where it had no request."""

    name: str
    few: RequestResult | None
    many: RequestResult | None

    @property
    def failed(self) -> int:
        """The failed requests of both cells."""
        return sum(side.failed for side in (self.few, self.many) if side is not None)

    @property
    def sides(self) -> tuple[tuple[str, str], ...]:
        """Each column's text with the fewest and with the most replicas."""
        return tuple(zip(_texts(self.few), _texts(self.many), strict=True))


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The rows of a worker model and workload, the commonest first.

    ``counts`` are the fewest and the most replicas; both are the same where there is one number.
    """

    worker: str
    workload: str
    counts: tuple[int, int]
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What the rows are of."""
        few, many = self.counts
        replicas = f"×{few}" if few == many else f"×{few} and ×{many}"
        return f"{self.worker} {self.workload}, {replicas}"

    @property
    def first(self) -> list[Row]:
        """The rows with those that failed before the others."""
        return sorted(self.rows, key=lambda row: not row.failed)


def tables(result: RunResult) -> list[Requests]:
    """Return the table of each worker model and workload with more than one name."""
    groups: dict[tuple[str, str], list[RequestResult]] = {}
    for request in result.requests:
        groups.setdefault((request.cell.worker, request.cell.workload), []).append(request)
    return [
        _table(worker, workload, requests)
        for (worker, workload), requests in groups.items()
        if len({request.name for request in requests}) > 1
    ]


def _table(worker: str, workload: str, requests: Sequence[RequestResult]) -> Requests:
    counts = [request.cell.replicas for request in requests]
    few, many = min(counts), max(counts)
    of_few = {request.name: request for request in requests if request.cell.replicas == few}
    of_many = {request.name: request for request in requests if request.cell.replicas == many}
    return Requests(
        worker=worker,
        workload=workload,
        counts=(few, many),
        rows=tuple(
            Row(name=name, few=of_few.get(name), many=of_many.get(name))
            for name in dict.fromkeys((*of_few, *of_many))
        ),
    )


def joined(row: Row, counts: tuple[int, int]) -> list[str]:
    """Return each column with both numbers of replicas in one text, such as ``12.0 → 23.9``."""
    if counts[0] == counts[1]:
        return [few for few, _ in row.sides]
    return [few if few == many else f"{few} → {many}" for few, many in row.sides]


def _texts(request: RequestResult | None) -> tuple[str, ...]:
    if request is None:
        return (UNKNOWN,) * len(COLUMNS)
    return (
        figure(request.throughput_rps),
        _share(request.share_ratio),
        figure(request.p50_ms),
        figure(request.p99_ms),
        str(request.failed),
        _size(request.mean_bytes),
    )


def _share(ratio: float | None) -> str:
    """Return a share as whole per cents."""
    if ratio is None:
        return UNKNOWN
    return "<1 %" if 0 < ratio < LEAST_SHARE else f"{100 * ratio:.0f} %"


def _size(size_bytes: float | None) -> str:
    """Return bytes with three significant digits: ``123``, ``12.3k``, ``1.05M``."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if size_bytes is not None and size_bytes >= unit:
            return f"{figure(size_bytes / unit)}{letter}"
    return figure(size_bytes)
