"""The variants of a run beside one another, and why one serves more than another. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from loadtests.model.latency import LevelResult, Percentiles, Quantile
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
    full load. ``response`` has them with their intervals. Where that load has no valid figures, all
    three are None and ``no_times`` says why. ``per_core_ratio`` is the ratio of requests per core
    to those of the first variant of its workload that can be trusted. ``level_with`` are the
    variants that the intervals cannot tell from this one. ``is_trusted`` tells whether its cell is
    valid, and whether its answers hold with more replicas.
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
    response: Percentiles | None = None
    no_times: str = ""
    per_core_ratio: Estimate | None = None


def variants(result: RunResult) -> list[Variant]:
    """Return every variant of every workload, the one with the highest throughput first."""
    most = max(result.plan.replica_counts)
    rows = [
        _variant(result, cell)
        for cell in result.cells
        if cell.cell.replicas == most and cell.throughput_rps.estimate
    ]
    order = [workload.name for workload in result.plan.workloads]
    rows.sort(key=lambda row: (order.index(row.workload), -(row.throughput_rps.estimate or 0)))
    first = {row.workload: row.worker for row in reversed(rows) if row.is_trusted}
    return [
        replace(
            row, per_core_ratio=_per_core(_compared(result, row), row.worker, first[row.workload])
        )
        if row.is_trusted
        else row
        for row in rows
    ]


def _variant(result: RunResult, cell: CellResult) -> Variant:
    rate = cell.throughput_rps.estimate or 0.0
    level = _level_shown(result, cell)
    is_valid = level is not None and level.state == "valid"
    response = level.response if level is not None and is_valid else None
    seen = _seen(result, cell.cell.worker)
    return Variant(
        worker=cell.cell.worker,
        workload=cell.cell.workload,
        replicas=cell.cell.replicas,
        throughput_rps=cell.throughput_rps,
        per_core_rps=rate / cell.cpu_got_cpus if cell.cpu_got_cpus else None,
        per_gigabyte_rps=rate / (cell.memory_bytes / GIGABYTE) if cell.memory_bytes else None,
        p50_ms=response.p50.ms if response else None if level else cell.p50_ms,
        p99_ms=response.p99.ms if response else None if level else cell.p99_ms,
        at_share=SHARE_SHOWN if level else None,
        start_s=seen.start_s if seen else None,
        speedup=cell.speedup,
        level_with=tuple(_level(result.comparisons, cell.cell)),
        is_trusted=is_trusted(result, cell.cell),
        response=response,
        no_times=level.reason or level.state if level is not None and not is_valid else "",
    )


def _level_shown(result: RunResult, cell: CellResult) -> LevelResult | None:
    """Return the cell's level at the load at which response times are compared."""
    for latency in result.latency:
        of = Cell(worker=latency.worker, workload=latency.workload, replicas=latency.replicas)
        if of == cell.cell:
            for level in latency.levels:
                if abs(level.share_ratio - SHARE_SHOWN) < 0.01:
                    return level
    return None


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


def notes(rows: Sequence[Variant]) -> Iterator[str]:
    """Yield what stands below the table of one workload: what is equal, and all intervals.

    The table has room for one interval in 80 columns.
    """
    yield from equal_ones(rows)
    yield from _per_core_ratios(rows)
    yield from _times(rows, "p50", lambda response: response.p50)
    yield from _times(rows, "p99", lambda response: response.p99)
    for row in rows:
        if row.no_times:
            yield f"No response times of {row.worker} at 70 % of capacity: {row.no_times}"
    yield from speedups(rows)


def _per_core_ratios(rows: Sequence[Variant]) -> Iterator[str]:
    shown = [
        f"{row.worker} {interval(row.per_core_ratio, factor)}"
        for row in rows
        if row.per_core_ratio is not None
    ]
    if shown:
        first = next(row.worker for row in rows if row.is_trusted)
        yield f"Requests per core, times those of {first} [95 %]: {', '.join(shown)}."


def _times(
    rows: Sequence[Variant], name: str, of: Callable[[Percentiles], Quantile]
) -> Iterator[str]:
    """Yield a percentile of each variant with its interval; a dash is a bound that is not known."""
    shown = [
        f"{row.worker} {figure(time.ms)} [{figure(time.low_ms)}, {figure(time.high_ms)}]"
        for row in rows
        if row.response is not None
        for time in [of(row.response)]
        if time.low_ms is not None or time.high_ms is not None
    ]
    if shown:
        yield f"{name} in ms [95 %]: {', '.join(shown)}."


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
    comparisons = _compared(result, first)
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


def _compared(result: RunResult, row: Variant) -> list[ComparisonResult]:
    """Return the comparisons of a variant's workload, at its number of replicas."""
    return [
        comparison
        for comparison in result.comparisons
        if (comparison.workload, comparison.replicas) == (row.workload, row.replicas)
    ]


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
