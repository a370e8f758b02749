"""Splits the loss of a doubling against the perfect factor of 2 into its causes. PURE.

Throughput is CPU used ÷ CPU per request. With twice the replicas, twice the CPU is available, so

    2 ÷ D = (CPU utilisation at n ÷ at 2n) × (CPU per request at 2n ÷ at n)

This is an identity, not a model. The first part is CPU that the replicas could have used and did
not, because they waited for the larger cell's bottleneck. The second part is requests that cost
more CPU. Where no CPU can be read, the whole loss counts as waiting. A part above 1 is a loss, and
one below 1 a gain. The parts multiply to 2 ÷ D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, DoublingResult
from loadtests.model.vocabulary import Bottleneck, Verdict

CPU_PER_REQUEST = "cpu_per_request"
"""The part of a loss that comes from requests which cost more CPU; a word of ``run.json``."""

LEAST_REPORTED = 1.02
"""Smaller parts are not reported: replicas differ from one another by 2 %."""

PERFECT = 2.0


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One part of a doubling's loss.

    ``what`` is ``cpu_per_request`` or the bottleneck that the replicas waited for. ``factor`` is
    what this part divided the factor of 2 by (1: no loss). ``detail`` is a sentence.
    """

    what: str
    factor: float
    detail: str


def split(doubling: DoublingResult, cells: Sequence[CellResult]) -> tuple[Loss, ...]:
    """Return the parts of a doubling's loss, the largest first; none where it has no factor."""
    if not doubling.factor.estimate:
        return ()
    loss = PERFECT / doubling.factor.estimate
    cpu_per_request = doubling.cpu_per_request_factor or 1.0
    parts = [_waiting(_larger_cell(doubling, cells), loss / cpu_per_request)]
    if doubling.cpu_per_request_factor is not None:
        parts.append(_costlier_requests(doubling, cpu_per_request))
    return tuple(sorted(parts, key=lambda part: part.factor, reverse=True))


def explain(doubling: DoublingResult, cells: Sequence[CellResult]) -> str:
    """Return the reason of a doubling's verdict, with the causes of its loss."""
    return f"{doubling.reason} {in_words(doubling, cells)}".rstrip()


def in_words(doubling: DoublingResult, cells: Sequence[CellResult]) -> str:
    """Return the causes of a loss in sentences; empty where no verdict says that there is one."""
    if doubling.verdict not in {Verdict.FALLS_SHORT, Verdict.NO_GAIN}:
        return ""
    details = [loss.detail for loss in split(doubling, cells) if loss.factor >= LEAST_REPORTED]
    return " ".join(details)


def _larger_cell(doubling: DoublingResult, cells: Sequence[CellResult]) -> CellResult | None:
    larger = Cell(worker=doubling.worker, workload=doubling.workload, replicas=doubling.replicas_to)
    return next((result for result in cells if result.cell == larger), None)


def _waiting(large: CellResult | None, factor: float) -> Loss:
    kind = large.bottleneck if large is not None else Bottleneck.UNEXPLAINED
    if large is None or kind is Bottleneck.UNEXPLAINED:
        detail = (
            "No monitored resource was saturated. Requests waited for something that all replicas"
            " share and no counter shows, such as a lock or a service outside the stack."
        )
    elif large.bottleneck_detail.startswith("At "):
        detail = large.bottleneck_detail
    else:
        detail = f"At {large.cell.replicas} replicas: {large.bottleneck_detail}"
    return Loss(what=str(kind), factor=factor, detail=detail)


def _costlier_requests(doubling: DoublingResult, factor: float) -> Loss:
    return Loss(
        what=CPU_PER_REQUEST,
        factor=factor,
        detail=f"CPU per request changed by {factor - 1:+.0%} from {doubling.replicas_from} to"
        f" {doubling.replicas_to} replicas.",
    )
