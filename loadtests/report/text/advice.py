"""What to do next, from the run's figures alone.

PURE. Each sentence names the figures that it follows from, and is left out where there are none.
Of an invalid run, the only advice is how to make it valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.model.consistency import ProbeState
from loadtests.model.result import CellResult, LawResult, ResourceUse, RunResult
from loadtests.model.vocabulary import Bottleneck, Verdict
from loadtests.planning.budget import fits
from loadtests.report.rounding import figure, percent
from loadtests.report.text import capacity, story
from loadtests.report.text.comparison import inconsistent_workers, recommendations, trusted

GIGABYTE = 1e9

PER_REPLICA = (Bottleneck.REPLICA_CPU, Bottleneck.WORKER_SLOTS)
"""Resources of each replica: further replicas bring more of them."""

SHARED = (Bottleneck.PROXY, Bottleneck.STORE, Bottleneck.CONNECTIONS)
"""Resources that all replicas share: further replicas use more of them."""


def next_steps(result: RunResult) -> list[str]:
    """Return what to do next, in sentences, the most urgent first."""
    if result.verdict is Verdict.INVALID:
        return [story.ADVICE[code] for code, _ in story.by_rule(result.broken)]
    largest = _largest(result)
    return [
        *_shared_state(result),
        *_undecided(result),
        *_recommended(result),
        *_costs(largest),
        *_extrapolated(result, largest),
        *_bottlenecks(largest),
        *_next_doubling(result, largest),
    ]


def _largest(result: RunResult) -> list[CellResult]:
    """Return the cell with the most replicas of each worker model and workload, where measured.

    A worker model whose answers were wrong is left out: its throughput is of no use.
    """
    broken = inconsistent_workers(result)
    largest: dict[tuple[str, str], CellResult] = {}
    for cell in sorted(result.cells, key=lambda cell: cell.cell.replicas):
        if cell.throughput_rps.estimate and cell.cell.worker not in broken:
            largest[cell.cell.workload, cell.cell.worker] = cell
    return list(largest.values())


def _shared_state(result: RunResult) -> Iterator[str]:
    """Say where to store state that only one process has, and what else makes servers differ."""
    breaking = [check for check in result.probes if check.state is ProbeState.BREAKS]
    failing = [failure for failure in result.failures if failure.breaks_at]
    known = [check.remedy for check in breaking] + [failure.remedy for failure in failing]
    yield from dict.fromkeys(filter(None, known))
    if failing and not any(failure.remedy for failure in failing):
        yield (
            "Find what fails with more replicas only: the answers are above, and the replicas' logs"
            " are in the run's folder."
        )
    broken = [check for check in breaking if not check.remedy]
    if broken:
        names = ", ".join(dict.fromkeys(check.check for check in broken))
        yield (
            f"Store state that outlives a request ({names}) where every replica can read it, such"
            " as the data store or a signed cookie, not in a process's memory."
        )


def _recommended(result: RunResult) -> list[str]:
    """Say which worker model to run, of those whose figures and answers can be trusted."""
    return recommendations(trusted(result))


def _by_workload(cells: Sequence[CellResult]) -> Iterator[tuple[str, list[CellResult]]]:
    for workload in dict.fromkeys(cell.cell.workload for cell in cells):
        yield workload, [cell for cell in cells if cell.cell.workload == workload]


def _undecided(result: RunResult) -> Iterator[str]:
    if not result.facts.finished:
        yield f"The run did not finish. Measure again: {result.facts.command}"
        return
    for doubling in result.doublings:
        if doubling.verdict is Verdict.INCONCLUSIVE and doubling.settle_minutes is not None:
            yield f"{doubling}: {story.still_needed(doubling)}"


def _costs(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say how much each worker model serves per core and per gigabyte, a sentence a workload."""
    for workload, cells in _by_workload(largest):
        costs = [f"{cell.cell.worker} {rates}" for cell in cells if (rates := _rates(cell))]
        if costs:
            counts = {cell.cell.replicas for cell in cells}
            at = f" at {_replicas(counts.pop())}" if len(counts) == 1 else ""
            yield f"Throughput per resource on {workload}{at}: {'; '.join(costs)}."


def _rates(cell: CellResult) -> str:
    rate = cell.throughput_rps.estimate or 0.0
    per_cpu = rate / cell.cpu_got_cpus if cell.cpu_got_cpus else None
    per_gigabyte = rate / (cell.memory_bytes / GIGABYTE) if cell.memory_bytes else None
    parts = [
        f"{figure(value)} requests/s per {unit}"
        for value, unit in ((per_cpu, "core"), (per_gigabyte, "GB of memory"))
        if value is not None
    ]
    return " and ".join(parts)


def _extrapolated(result: RunResult, largest: Sequence[CellResult]) -> Iterator[str]:
    """Say how many replicas twice the highest measured rate would need, by the fitted laws."""
    laws = {(law.worker, law.workload): law for law in result.laws}
    cpus = result.plan.budget.replica_cpus
    size = "" if cpus is None else f" with replicas of {cpus:g} CPU"
    for workload, cells in _by_workload(largest):
        needs = [
            _need(cell, law)
            for cell in cells
            if (law := laws.get((cell.cell.worker, workload))) and capacity.reaches(cell, law)
        ]
        if needs:
            yield (
                f"Twice the throughput on {workload}, extrapolated by the fitted law{size}:"
                f" {'; '.join(needs)}."
            )
        for cell in cells:
            law = laws.get((cell.cell.worker, workload))
            if law is not None and not law.extrapolates:
                yield (
                    f"No extrapolation of {cell.cell.worker} on {workload}: CPU per request grew"
                    " with the replicas, and the loss may be no more than shared cores add to it."
                    " A machine with a core for each replica would tell."
                )


def _need(cell: CellResult, law: LawResult) -> str:
    need = capacity.replicas_for(cell, law, 2 * (cell.throughput_rps.estimate or 0.0))
    rate = f"{figure(need.rate_rps)} requests/s"
    if need.likely is None:
        return f"{cell.cell.worker} cannot reach {rate} with any number of replicas"
    bounds = f" ({need.least} to {need.most})" if need.most else f" (at least {need.least})"
    shown = "" if need.least == need.most else bounds
    return f"{cell.cell.worker} needs {need.likely} replicas{shown} for {rate}"


def _bottlenecks(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say what limits the next doubling: what is saturated, or what saturates next."""
    for cell in largest:
        subject = f"{cell.cell.worker} on {cell.cell.workload}"
        if cell.bottleneck not in PER_REPLICA:
            yield f"Bottleneck of {subject}: {cell.bottleneck_detail}"
        else:
            yield from _slots_before_replicas(cell, subject)
    yield from _saturates_next(largest)


def _slots_before_replicas(cell: CellResult, subject: str) -> Iterator[str]:
    """Say where all worker slots wait although the replicas have CPU left."""
    cpu = _use(cell, Bottleneck.REPLICA_CPU)
    if cell.bottleneck is Bottleneck.WORKER_SLOTS and cpu is not None and not cpu.full:
        yield (
            f"Add worker slots before replicas for {subject}: {_clause(cell.bottleneck_detail)},"
            f" while only {percent(cpu.used_ratio)} of the busiest replica's CPU was used."
        )


def _saturates_next(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say of each shared resource at how many replicas it saturates, in the cell that is first."""
    for kind in SHARED:
        limits = [
            (round(cell.cell.replicas * use.full_ratio / use.used_ratio), cell, use)
            for cell in largest
            if (use := _use(cell, kind)) is not None and use.used_ratio > 0 and not use.full
        ]
        if limits:
            count, cell, use = min(limits, key=lambda limit: limit[0])
            soon = count <= capacity.NEXT_DOUBLING * cell.cell.replicas
            yield (
                f"{'Limit of the next doubling:' if soon else 'As replicas are added,'} the"
                f" {use.name} would saturate at about {count} replicas of {cell.cell.worker} on"
                f" {cell.cell.workload} (at {cell.cell.replicas}, {use.detail})."
            )


def _next_doubling(result: RunResult, largest: Sequence[CellResult]) -> Iterator[str]:
    """Say whether this machine can measure the next doubling, where replicas have budgets."""
    if not largest or not result.machine.can_budget:
        return
    plan = result.plan
    waiting = all(workload.waits for workload in plan.workloads)
    waiting = waiting and all(worker.slots is not None for worker in plan.workers)
    measured = max(cell.cell.replicas for cell in largest)
    doubled = capacity.NEXT_DOUBLING * measured
    counts = ",".join(map(str, (*result.plan.replica_counts, doubled)))
    if measured == max(result.plan.replica_counts):
        yield (
            f"The next doubling fits this machine: --replicas {counts}."
            if fits(result.machine, doubled, waiting_only=waiting)
            else f"The next doubling, to {_replicas(doubled)}, needs a machine with"
            f" more than {_cores(result.machine.physical_cores)}."
        )


def _use(cell: CellResult, kind: Bottleneck) -> ResourceUse | None:
    return next((use for use in cell.resources if use.kind is kind), None)


def _cores(count: int) -> str:
    return f"{count} core{'s' * (count > 1)}"


def _replicas(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"


def _clause(sentence: str) -> str:
    """Return a sentence as a clause: without its capital and its full stop."""
    return f"{sentence[:1].lower()}{sentence[1:]}".removesuffix(".")
