"""What to do next, from the run's figures alone.

PURE. Each sentence names the figures that it follows from; where they do not allow one, it is
left out. A run that was not valid says only what to do about that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.model.consistency import ProbeState
from loadtests.model.result import CellResult, LawResult, ResourceUse, RunResult
from loadtests.model.vocabulary import Bottleneck, Verdict
from loadtests.planning.budget import fits
from loadtests.report.rounding import figure, percent
from loadtests.report.text import capacity, story
from loadtests.report.text.comparison import recommendations

GIGABYTE = 1e9

OWN = (Bottleneck.REPLICA_CPU, Bottleneck.WORKER_SLOTS)
"""What each replica brings along, so that it is not in the way of more of them."""

SHARED = (Bottleneck.PROXY, Bottleneck.STORE)
"""What all replicas share, so that it fills as they grow in number."""


def next_steps(result: RunResult) -> list[str]:
    """Return what to do next, the most urgent first."""
    if result.verdict is Verdict.INVALID:
        return [story.ADVICE[code] for code, _ in story.by_rule(result.broken)]
    largest = _largest(result)
    return [
        *_shared_state(result),
        *_unsettled(result),
        *_recommended(result),
        *_costs(largest),
        *_plans(result, largest),
        *_obstacles(largest),
        *_larger(result, largest),
    ]


def _largest(result: RunResult) -> list[CellResult]:
    """Return the cell with the most replicas of each worker model and workload, where measured.

    A worker model whose answers were wrong is left out: its throughput is of no use.
    """
    broken = _breaking(result)
    found: dict[tuple[str, str], CellResult] = {}
    for cell in sorted(result.cells, key=lambda cell: cell.cell.replicas):
        if cell.throughput_rps.estimate and cell.cell.worker not in broken:
            found[cell.cell.workload, cell.cell.worker] = cell
    return list(found.values())


def _shared_state(result: RunResult) -> Iterator[str]:
    """Say where state has to go that only one process knows."""
    broken = [found for found in result.probes if found.state is ProbeState.BREAKS]
    if broken:
        checks = ", ".join(dict.fromkeys(found.check for found in broken))
        yield (
            f"Keep what outlives a request ({checks}) where every server sees it, such as in the"
            " data store or in a signed cookie, not in a process's memory."
        )


def _recommended(result: RunResult) -> list[str]:
    """Say which worker model to run, of those whose answers stayed right."""
    broken = _breaking(result)
    return recommendations(
        [each for each in result.comparisons if not broken & {each.worker, each.against}]
    )


def _breaking(result: RunResult) -> set[str]:
    return {found.worker for found in result.probes if found.state is ProbeState.BREAKS}


def _by_workload(cells: Sequence[CellResult]) -> Iterator[tuple[str, list[CellResult]]]:
    for workload in dict.fromkeys(cell.cell.workload for cell in cells):
        yield workload, [cell for cell in cells if cell.cell.workload == workload]


def _unsettled(result: RunResult) -> Iterator[str]:
    if not result.facts.finished:
        yield f"The run did not come to its end. Measure again: {result.facts.command}"
        return
    for doubling in result.doublings:
        if doubling.verdict is Verdict.INCONCLUSIVE and doubling.settle_minutes is not None:
            yield f"{doubling}: {story.still_needed(doubling)}"


def _costs(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say what each worker model serves for a CPU and a gigabyte, a sentence a workload."""
    for workload, cells in _by_workload(largest):
        told = [f"{cell.cell.worker} {means}" for cell in cells if (means := _per_means(cell))]
        if told:
            counts = {cell.cell.replicas for cell in cells}
            at = f" at {_replicas(counts.pop())}" if len(counts) == 1 else ""
            yield f"What {workload} costs{at}: {'; '.join(told)}."


def _per_means(cell: CellResult) -> str:
    rate = cell.throughput_rps.estimate or 0.0
    per_cpu = rate / cell.cpu_got_cpus if cell.cpu_got_cpus else None
    per_gigabyte = rate / (cell.memory_bytes / GIGABYTE) if cell.memory_bytes else None
    parts = [
        f"{figure(value)} requests/s for each {means}"
        for value, means in ((per_cpu, "core"), (per_gigabyte, "GB"))
        if value is not None
    ]
    return " and ".join(parts)


def _plans(result: RunResult, largest: Sequence[CellResult]) -> Iterator[str]:
    """Say how many replicas twice the greatest measured rate would take, by the fitted laws."""
    laws = {(law.worker, law.workload): law for law in result.laws}
    means = result.plan.budget.replica_cpus
    each = "" if means is None else f" and replicas of {means:g} CPU"
    for workload, cells in _by_workload(largest):
        told = [
            _plan(cell, law)
            for cell in cells
            if (law := laws.get((cell.cell.worker, workload))) and capacity.reaches(cell, law)
        ]
        if told:
            yield (
                f"Twice the throughput measured on {workload} would take, by the fitted law{each}:"
                f" {'; '.join(told)}. Nobody measured that."
            )


def _plan(cell: CellResult, law: LawResult) -> str:
    need = capacity.replicas_for(cell, law, 2 * (cell.throughput_rps.estimate or 0.0))
    wanted = f"for {figure(need.wanted_rps)} requests/s"
    if need.likely is None:
        return f"{cell.cell.worker} more than replicas can give, {wanted}"
    bounds = f" ({need.least} to {need.most})" if need.most else f" (at least {need.least})"
    shown = "" if need.least == need.most else bounds
    return f"{cell.cell.worker} {need.likely} replicas{shown} {wanted}"


def _obstacles(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say what stands in the way of the next doubling: what is full, or what fills next."""
    for cell in largest:
        subject = f"{cell.cell.worker} on {cell.cell.workload}"
        if cell.bottleneck not in OWN:
            yield f"In the way of {subject}: {cell.bottleneck_detail}"
        else:
            yield from _slots_before_replicas(cell, subject)
    yield from _fills_next(largest)


def _slots_before_replicas(cell: CellResult, subject: str) -> Iterator[str]:
    """Say where replicas turn requests away from CPU that they have: all their slots wait."""
    cpu = _use(cell, Bottleneck.REPLICA_CPU)
    if cell.bottleneck is Bottleneck.WORKER_SLOTS and cpu is not None and not cpu.full:
        yield (
            f"Before more replicas, more slots for {subject}: {_lower_dot(cell.bottleneck_detail)},"
            f" while {percent(cpu.used_ratio)} of the busiest replica's CPU was used."
        )


def _fills_next(largest: Sequence[CellResult]) -> Iterator[str]:
    """Say of each shared means at how many replicas it would be full, where that comes first."""
    for kind in SHARED:
        reached = [
            (round(cell.cell.replicas * use.full_ratio / use.used_ratio), cell, use)
            for cell in largest
            if (use := _use(cell, kind)) is not None and use.used_ratio > 0 and not use.full
        ]
        if reached:
            count, cell, use = min(reached, key=lambda found: found[0])
            soon = count <= capacity.BEYOND * cell.cell.replicas
            yield (
                f"{'In the way of the next doubling:' if soon else 'As replicas are added,'} the"
                f" {use.name} would be full at about {count} of {cell.cell.worker} on"
                f" {cell.cell.workload} (at {cell.cell.replicas}, {use.detail})."
            )


def _larger(result: RunResult, largest: Sequence[CellResult]) -> Iterator[str]:
    """Say whether this machine can measure the next doubling, where replicas have budgets."""
    if not largest or not result.machine.can_budget:
        return
    most = max(cell.cell.replicas for cell in largest)
    counts = ",".join(map(str, (*result.plan.replica_counts, capacity.BEYOND * most)))
    if most == max(result.plan.replica_counts):
        yield (
            f"The next doubling fits this machine: --replicas {counts}."
            if fits(result.machine, capacity.BEYOND * most)
            else f"The next doubling, to {_replicas(capacity.BEYOND * most)}, needs a machine with"
            f" more than {result.machine.cores} core{'s' * (result.machine.cores > 1)}."
        )


def _use(cell: CellResult, kind: Bottleneck) -> ResourceUse | None:
    return next((use for use in cell.resources if use.kind is kind), None)


def _replicas(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"


def _lower_dot(sentence: str) -> str:
    """Return a sentence as a clause: without its capital and its full stop."""
    return f"{sentence[:1].lower()}{sentence[1:]}".removesuffix(".")
