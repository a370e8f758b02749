"""Names the bottleneck of a cell where no counter did, from what its requests waited for. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from loadtests.analysis.profiles.comparison import LEAST_SHARE_RATIO
from loadtests.analysis.profiles.shares import COMPUTING
from loadtests.model.plan import Cell
from loadtests.model.profiles.records import Waiting
from loadtests.model.profiles.results import ProfileFinding, ProfileResult, Profiles
from loadtests.model.result import CellResult
from loadtests.model.vocabulary import Bottleneck


def rates(cells: Sequence[CellResult]) -> dict[Cell, float]:
    """Return the throughput of each cell that has one, in requests per second."""
    known = ((cell.cell, cell.throughput_rps.estimate) for cell in cells)
    return {cell: rate for cell, rate in known if rate}


def cpu_ms(cells: Sequence[CellResult]) -> dict[Cell, float]:
    """Return the CPU of a request, in ms, of the cells whose replicas did not lack it."""
    return {
        cell.cell: cell.cpu_us_per_request / 1000
        for cell in cells
        if cell.cpu_us_per_request and cell.bottleneck is not Bottleneck.REPLICA_CPU
    }


def gain(
    throughputs: Mapping[Cell, float], counts: Sequence[int], worker: str, workload: str
) -> float:
    """Return a series' speed-up from its smallest count to its largest, as a share of perfect."""
    small, large = (
        throughputs.get(Cell(worker=worker, workload=workload, replicas=count))
        for count in (counts[0], counts[-1])
    )
    return large / small * counts[0] / counts[-1] if small and large else 1.0


def with_waits(cells: Sequence[CellResult], profiles: Profiles) -> tuple[CellResult, ...]:
    """Return the cells; where nothing was saturated, the bottleneck is what requests waited for."""
    found = {
        Cell(worker=found.worker, workload=found.workload, replicas=found.replicas_to): found
        for found in profiles.findings
    }
    seen = {result.cell: result for result in profiles.cells}
    return tuple(_named(cell, found.get(cell.cell), seen.get(cell.cell)) for cell in cells)


def _named(
    cell: CellResult, finding: ProfileFinding | None, seen: ProfileResult | None
) -> CellResult:
    if finding is None or seen is None or cell.bottleneck is not Bottleneck.UNEXPLAINED:
        return cell
    told = " ".join(filter(None, (finding.sentence, finding.store)))
    kind = _of(finding.line.kind)
    if kind is None or not (finding.certain or _is_most(kind, seen)):
        return replace(cell, bottleneck_detail=f"{told} {cell.bottleneck_detail}")
    return replace(cell, bottleneck=kind, bottleneck_detail=told)


def _of(kind: Waiting) -> Bottleneck | None:
    """Return the bottleneck of requests of a kind; None for one that names none."""
    if kind in {*COMPUTING, Waiting.UNKNOWN}:
        return None
    return Bottleneck.STORE if kind is Waiting.STORE else Bottleneck.WAITING


def _is_most(bottleneck: Bottleneck, seen: ProfileResult) -> bool:
    """Return whether a request's time is mostly such a wait, whichever of its lines that is in.

    The times are those of the lines: what waits for a core after its answer counts as that wait.
    """
    times = [time for line in seen.lines for time in line.kinds.items()]
    such = sum(ms for kind, ms in times if _of(kind) is bottleneck)
    return such >= LEAST_SHARE_RATIO * sum(line.ms.estimate for line in seen.lines)
