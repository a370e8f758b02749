"""What to do next, from the run's figures alone.

PURE. Each sentence names the figures that it follows from; where they do not allow one, it is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.laws import speedup
from loadtests.model import Bottleneck, CellResult, Estimate, LawResult, RunResult, Verdict
from loadtests.report import story
from loadtests.report.compare_text import recommendations
from loadtests.report.rounding import figure

GIGABYTE = 1e9

MOST_REPLICAS = 1000
"""Beyond so many replicas no plan is made: the law says that the rate cannot be reached."""

SHARED = (Bottleneck.PROXY, Bottleneck.STORE)
"""What all replicas share, so that it fills as they grow in number."""


def next_steps(result: RunResult) -> list[str]:
    """Return what to do next, the most urgent first."""
    if result.verdict is Verdict.INVALID:
        return [story.ADVICE[code] for code, _ in story.by_rule(result.broken)]
    largest = _largest(result)
    return [
        *_unsettled(result),
        *recommendations(result.comparisons),
        *_costs(largest),
        *_plans(largest, result.laws),
        *_obstacles(largest),
    ]


def replicas_for(
    rate_of_one: float, wanted_rps: float, *, sigma: float, kappa: float
) -> int | None:
    """Return the fewest replicas whose throughput reaches a rate by the law, None if none do."""
    for count in range(1, MOST_REPLICAS + 1):
        if rate_of_one * speedup(count, sigma=sigma, kappa=kappa) >= wanted_rps:
            return count
    return None


def _largest(result: RunResult) -> list[CellResult]:
    """Return the cell with the most replicas of each worker model and workload, where measured."""
    found: dict[tuple[str, str], CellResult] = {}
    for cell in sorted(result.cells, key=lambda cell: cell.cell.replicas):
        if cell.throughput_rps.estimate:
            found[cell.cell.workload, cell.cell.worker] = cell
    return list(found.values())


def _unsettled(result: RunResult) -> Iterator[str]:
    for doubling in result.doublings:
        if doubling.verdict is Verdict.INCONCLUSIVE and doubling.settle_minutes is not None:
            yield f"{doubling}: {story.still_needed(doubling)}"


def _costs(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say what each worker model serves for a CPU and a gigabyte, a sentence a workload."""
    for workload in dict.fromkeys(cell.cell.workload for cell in largest):
        told = [
            f"{cell.cell.worker} {_per_means(cell)}"
            for cell in largest
            if cell.cell.workload == workload and _per_means(cell)
        ]
        if told:
            yield f"What {workload} costs: {'; '.join(told)}."


def _per_means(cell: CellResult) -> str:
    rate = cell.throughput_rps.estimate or 0.0
    per_cpu = rate / cell.cpu_got_cpus if cell.cpu_got_cpus else None
    per_gigabyte = rate / (cell.memory_bytes / GIGABYTE) if cell.memory_bytes else None
    parts = [
        f"{figure(value)} requests/s for each {means}"
        for value, means in ((per_cpu, "CPU"), (per_gigabyte, "GB"))
        if value is not None
    ]
    return " and ".join(parts)


def _plans(largest: Sequence[CellResult], fitted: Sequence[LawResult]) -> Iterator[str]:
    """Say how many replicas twice the greatest measured rate would take, by the fitted laws."""
    by_series = {(law.worker, law.workload): law for law in fitted}
    for workload in dict.fromkeys(cell.cell.workload for cell in largest):
        told = [
            _plan(cell, law)
            for cell in largest
            if cell.cell.workload == workload
            and (law := by_series.get((cell.cell.worker, workload))) is not None
            and law.sigma.low is not None
        ]
        if told:
            yield f"Twice the throughput measured on {workload} would take: {'; '.join(told)}."


def _plan(cell: CellResult, law: LawResult) -> str:
    measured = cell.throughput_rps.estimate or 0.0
    kappa = law.kappa or Estimate(estimate=0.0, low=0.0, high=0.0)
    middle = {"sigma": law.sigma.estimate or 0.0, "kappa": kappa.estimate or 0.0}
    one = measured / speedup(cell.cell.replicas, **middle)
    likely = replicas_for(one, 2 * measured, **middle)
    wanted = f"for {figure(2 * measured)} requests/s"
    if likely is None:
        return f"{cell.cell.worker} more than replicas can give, {wanted}"
    least = replicas_for(one, 2 * measured, sigma=law.sigma.low or 0.0, kappa=kappa.low or 0.0)
    most = replicas_for(one, 2 * measured, sigma=law.sigma.high or 0.0, kappa=kappa.high or 0.0)
    bounds = "" if least == most else f" ({least} to {most})" if most else f" (at least {least})"
    return f"{cell.cell.worker} {likely} replicas{bounds} {wanted}"


def _obstacles(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say what stands in the way of the next doubling: what is full, or what fills next."""
    for cell in largest:
        subject = f"{cell.cell.worker} on {cell.cell.workload}"
        if cell.bottleneck not in {Bottleneck.REPLICA_CPU, Bottleneck.WORKER_SLOTS}:
            yield f"In the way of {subject}: {cell.bottleneck_detail}"
    yield from _fills_next(largest)


def _fills_next(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say of each shared means at how many replicas it would be full, where that comes first."""
    for kind in SHARED:
        reached = [
            (round(cell.cell.replicas * use.full_ratio / use.used_ratio), cell, use)
            for cell in largest
            for use in cell.resources
            if use.kind is kind and use.used_ratio > 0 and not use.full
        ]
        if reached:
            count, cell, use = min(reached, key=lambda found: found[0])
            yield (
                f"As replicas are added, the {use.name} would be full at about {count} of"
                f" {cell.cell.worker} on {cell.cell.workload} (at {cell.cell.replicas},"
                f" {use.detail})."
            )
