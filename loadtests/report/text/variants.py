"""The variants of a run beside one another, and why one serves more than another. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.model.plan import Cell, WorkerModel
from loadtests.model.result import CellResult, ComparisonResult, Estimate, RunResult
from loadtests.model.tested.in_force import InForce
from loadtests.model.vocabulary import Bottleneck
from loadtests.report.rounding import factor, figure, interval
from loadtests.report.text.comparison import among_all, inverse, is_trusted

GIGABYTE = 1e9

SHARE_SHOWN = 0.7
"""The load, as a share of capacity, at which response times are compared."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant with one workload, at the most replicas that were measured.

    ``p50_ms`` and ``p99_ms`` are those at 70 % of capacity where ``at_share`` is set, else those at
    full load. ``level_with`` are the variants that the intervals cannot tell from this one.
    ``is_trusted`` tells whether its cell is valid, and whether its answers hold with more replicas.
    """

    worker: str
    workload: str
    replicas: int
    throughput_rps: Estimate
    per_core_rps: float | None
    per_gigabyte_rps: float | None
    p50_ms: float | None
    p99_ms: float | None
    at_share: float | None
    start_s: float | None
    speedup: Estimate
    level_with: tuple[str, ...]
    is_trusted: bool = True


def variants(result: RunResult) -> list[Variant]:
    """Return every variant of every workload, the one with the highest throughput first."""
    most = max(result.plan.replica_counts)
    rows = [
        _variant(result, cell)
        for cell in result.cells
        if cell.cell.replicas == most and cell.throughput_rps.estimate
    ]
    order = [workload.name for workload in result.plan.workloads]
    return sorted(
        rows, key=lambda row: (order.index(row.workload), -(row.throughput_rps.estimate or 0))
    )


def _variant(result: RunResult, cell: CellResult) -> Variant:
    rate = cell.throughput_rps.estimate or 0.0
    p50_ms, p99_ms, share = _response(result, cell)
    seen = _seen(result, cell.cell.worker)
    return Variant(
        worker=cell.cell.worker,
        workload=cell.cell.workload,
        replicas=cell.cell.replicas,
        throughput_rps=cell.throughput_rps,
        per_core_rps=rate / cell.cpu_got_cpus if cell.cpu_got_cpus else None,
        per_gigabyte_rps=rate / (cell.memory_bytes / GIGABYTE) if cell.memory_bytes else None,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        at_share=share,
        start_s=seen.start_s if seen else None,
        speedup=cell.speedup,
        level_with=tuple(_level(result.comparisons, cell.cell)),
        is_trusted=is_trusted(result, cell.cell),
    )


def _response(
    result: RunResult, cell: CellResult
) -> tuple[float | None, float | None, float | None]:
    for latency in result.latency:
        of = Cell(worker=latency.worker, workload=latency.workload, replicas=latency.replicas)
        if of == cell.cell:
            for level in latency.levels:
                if abs(level.share_ratio - SHARE_SHOWN) < 0.01:
                    return level.response.p50.ms, level.response.p99.ms, SHARE_SHOWN
    return cell.p50_ms, cell.p99_ms, None


def _seen(result: RunResult, worker: str) -> InForce | None:
    return next((entry for entry in result.in_force if entry.worker == worker), None)


def _level(comparisons: Sequence[ComparisonResult], cell: Cell) -> Iterator[str]:
    for comparison in comparisons:
        if (comparison.workload, comparison.replicas) != (cell.workload, cell.replicas):
            continue
        pair = (comparison.worker, comparison.against)
        if cell.worker in pair and _contains_one(among_all(comparison)):
            yield pair[0] if pair[1] == cell.worker else pair[1]


def _contains_one(ratio: Estimate) -> bool:
    return ratio.low is not None and ratio.high is not None and ratio.low <= 1 <= ratio.high


def equal_ones(rows: Sequence[Variant]) -> Iterator[str]:
    """Yield which variants of one workload the intervals cannot tell apart, each pair once."""
    said: set[str] = set()
    rows = [row for row in rows if row.is_trusted]
    for row in rows:
        said.add(row.worker)
        others = [
            other.worker
            for other in rows
            if other.worker in row.level_with and other.worker not in said
        ]
        if others:
            yield f"Equal within the interval to {row.worker}: {', '.join(others)}."


def speedups(rows: Sequence[Variant]) -> Iterator[str]:
    """Yield the speed-up of each variant of one workload with its interval, where it has one."""
    shown = [
        f"{row.worker} {interval(row.speedup, factor)}"
        for row in rows
        if row.speedup.low is not None
    ]
    if shown:
        yield f"Speed-up [95 %]: {', '.join(shown)}."


def load_of_times(rows: Sequence[Variant]) -> str:
    """Return at which load the response times of some variants were measured."""
    full = [f"{row.worker} ({row.workload})" for row in rows if row.at_share is None]
    if len(full) == len(rows):
        return "at full load"
    others = f", but of {', '.join(full)} at full load" if full else ""
    return f"at 70 % of capacity{others}"


# -- why ------------------------------------------------------------------------------------------


def reasons(result: RunResult) -> list[str]:
    """Return why the first variant of each workload serves more than the next one behind it.

    A workload whose first variants are level has no such sentence. Those that cannot be trusted are
    left out.
    """
    rows = [row for row in variants(result) if row.is_trusted]
    sentences = []
    for workload in dict.fromkeys(row.workload for row in rows):
        of = [row for row in rows if row.workload == workload]
        behind = [row for row in of[1:] if row.worker not in of[0].level_with]
        if behind:
            why = _why(result, of[0], behind[0])
            if why is not None:
                sentences.append(why)
    return sentences


def _why(result: RunResult, first: Variant, other: Variant) -> str | None:
    comparisons = [
        comparison
        for comparison in result.comparisons
        if (comparison.workload, comparison.replicas) == (first.workload, first.replicas)
    ]
    lead = f"On {first.workload}, {first.worker} serves more than {other.worker} because"
    cells = {cell.cell: cell for cell in result.cells}
    ours, theirs = (
        cells[Cell(worker=row.worker, workload=row.workload, replicas=row.replicas)]
        for row in (first, other)
    )
    if theirs.bottleneck is Bottleneck.WORKER_SLOTS and (
        ours.bottleneck is not Bottleneck.WORKER_SLOTS or _has_more_slots(result, first, other)
    ):
        slots = _model(result, other).slots
        return f"{lead} all worker slots of {other.worker} were busy ({slots} in each replica)."
    per_core = _per_core(comparisons, first.worker, other.worker)
    if (
        {ours.bottleneck, theirs.bottleneck} == {Bottleneck.REPLICA_CPU}
        and per_core is not None
        and (per_core.low or 0) > 1
    ):
        return (
            f"{lead} a request costs it less CPU: {figure(ours.cpu_us_per_request)} µs instead of"
            f" {figure(theirs.cpu_us_per_request)} µs, which is"
            f" {interval(per_core, factor)} times as many requests from a core."
        )
    return None


def _has_more_slots(result: RunResult, first: Variant, other: Variant) -> bool:
    """Return whether the first one serves more requests at once, or has no limit."""
    ours, theirs = (_model(result, row).slots for row in (first, other))
    return ours is None or (theirs is not None and ours > theirs)


def _model(result: RunResult, row: Variant) -> WorkerModel:
    return next(worker for worker in result.plan.workers if worker.name == row.worker)


def _per_core(
    comparisons: Sequence[ComparisonResult], worker: str, against: str
) -> Estimate | None:
    for comparison in comparisons:
        if comparison.per_core_ratio is None:
            continue
        if (comparison.worker, comparison.against) == (worker, against):
            return comparison.per_core_ratio
        if (comparison.worker, comparison.against) == (against, worker):
            return inverse(comparison.per_core_ratio)
    return None


def in_force(result: RunResult) -> list[str]:
    """Return what serves each variant that was not put into force, and what was noticed of any."""
    sentences = []
    for entry in result.in_force:
        if entry.as_started:
            requests = "request" if entry.slots == 1 else "requests"
            slots = "" if entry.slots is None else f", {entry.slots} {requests} at once"
            sentences.append(
                f"{entry.worker}: as started: {entry}{slots} (seen by {entry.seen_by})."
            )
        sentences += [f"{entry.worker}: {note}" for note in entry.notes]
    return sentences
