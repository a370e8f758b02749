"""What each doubling lost of the factor of 2, split into what explains it. PURE.

A closed system serves what its replicas' CPU gets done: X = CPU used ÷ CPU per request. So, with
twice the replicas and twice the CPU to be had,

    2 ÷ D = (use of the CPU at n ÷ use of it at 2n) × (CPU per request at 2n ÷ at n)

which is an identity, not a model: the second part is *dearer requests*, the first is CPU that the
replicas could have used and did not, because they waited for what held them back: the bottleneck
of the larger cell. Where no CPU can be read, all of it is that. A part above 1 is a loss and below
1 a gain; the parts multiply to 2 ÷ D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, DoublingResult
from loadtests.model.vocabulary import Bottleneck, Verdict

DEARER = "cpu_per_request"
"""The part of a loss that is requests which take more CPU."""

WORTH_TELLING = 1.02
"""A part below 2 % is less than replicas differ by."""

PERFECT = 2.0


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One part of what a doubling lost.

    ``what`` is ``cpu_per_request`` or the bottleneck that was waited for, ``factor`` what that part
    divided the factor of 2 by (1: nothing), ``detail`` a sentence.
    """

    what: str
    factor: float
    detail: str


def split(doubling: DoublingResult, cells: Sequence[CellResult]) -> tuple[Loss, ...]:
    """Return the parts of a doubling's loss, the largest first; none where it has no factor."""
    if not doubling.factor.estimate:
        return ()
    lost = PERFECT / doubling.factor.estimate
    dearer = doubling.cpu_per_request_factor or 1.0
    large = _result(doubling, cells, doubling.replicas_to)
    parts = [_waiting(large, lost / dearer)]
    if doubling.cpu_per_request_factor is not None:
        parts.append(_dearer(doubling, dearer))
    return tuple(sorted(parts, key=lambda part: part.factor, reverse=True))


def explain(doubling: DoublingResult, cells: Sequence[CellResult]) -> str:
    """Return the reason of a doubling's verdict, with what explains a loss that was found."""
    return f"{doubling.reason} {told(doubling, cells)}".rstrip()


def told(doubling: DoublingResult, cells: Sequence[CellResult]) -> str:
    """Return what a doubling that is told to gain too little lost, in sentences; else nothing."""
    if doubling.verdict not in {Verdict.FALLS_SHORT, Verdict.NO_GAIN}:
        return ""
    lost = [loss.detail for loss in split(doubling, cells) if loss.factor >= WORTH_TELLING]
    return " ".join(lost)


def _result(
    doubling: DoublingResult, cells: Sequence[CellResult], replicas: int
) -> CellResult | None:
    wanted = Cell(worker=doubling.worker, workload=doubling.workload, replicas=replicas)
    return next((each for each in cells if each.cell == wanted), None)


def _waiting(large: CellResult | None, factor: float) -> Loss:
    kind = large.bottleneck if large is not None else Bottleneck.UNEXPLAINED
    if large is None or kind is Bottleneck.UNEXPLAINED:
        detail = (
            "No means that is measured was full: requests waited for something that all replicas"
            " share and no counter shows, like a lock or a service outside of the stack."
        )
    else:
        detail = f"At {large.cell.replicas} replicas: {large.bottleneck_detail}"
    return Loss(what=str(kind), factor=factor, detail=detail)


def _dearer(doubling: DoublingResult, factor: float) -> Loss:
    return Loss(
        what=DEARER,
        factor=factor,
        detail=f"A request took {factor - 1:+.0%} CPU at {doubling.replicas_to} replicas against"
        f" {doubling.replicas_from}.",
    )
