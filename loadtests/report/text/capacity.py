"""Extrapolation by the fitted law: the throughput of more replicas, and the replicas for a rate.

PURE. The law starts from the largest measured cell, so it adds nothing to what is known up to
there. The bounds take the worse end of every interval at once, so they are wider than 95 %. A
fitted loss below zero is noise and counts as no loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.analysis.scaling_laws import speedup
from loadtests.model.result import CellResult, Estimate, LawResult

NEXT_DOUBLING = 2
"""How far a law is extrapolated, in multiples of the most replicas measured."""

MOST_REPLICAS = 1000
"""With more replicas than this a rate counts as out of reach."""

NONE_LOST = Estimate(estimate=0.0, low=0.0, high=0.0)


@dataclass(frozen=True, kw_only=True)
class Need:
    """The replicas that a rate needs; None where no number of them reaches it."""

    rate_rps: float
    likely: int | None
    least: int | None
    most: int | None


def reaches(cell: CellResult, law: LawResult) -> bool:
    """Return whether the law can be extrapolated from a cell.

    Both need intervals, and the loss must not be one that may be the shared cores' alone.
    """
    return law.extrapolates and law.sigma.low is not None and bool(cell.throughput_rps.low)


def rate_at(cell: CellResult, law: LawResult, replicas: float) -> Estimate:
    """Return the throughput of ``replicas`` replicas in requests per second, with its bounds."""
    measured = cell.throughput_rps
    count = cell.cell.replicas
    return Estimate(
        estimate=(measured.estimate or 0.0) * _growth(law, "estimate", count)(replicas),
        low=(measured.low or 0.0) * _growth(law, "high", count)(replicas),
        high=(measured.high or 0.0) * _growth(law, "low", count)(replicas),
    )


def replicas_for(cell: CellResult, law: LawResult, rate_rps: float) -> Need:
    """Return the fewest replicas that reach a rate in requests per second, with their bounds."""
    measured = cell.throughput_rps
    count = cell.cell.replicas
    return Need(
        rate_rps=rate_rps,
        likely=_fewest(measured.estimate, law, "estimate", count, rate_rps),
        least=_fewest(measured.high, law, "low", count, rate_rps),
        most=_fewest(measured.low, law, "high", count, rate_rps),
    )


def _fewest(
    from_rps: float | None, law: LawResult, bound: str, measured: float, rate_rps: float
) -> int | None:
    """Return the fewest replicas that reach ``rate_rps`` with one bound of the losses."""
    grown = _growth(law, bound, measured)
    counts = range(1, MOST_REPLICAS + 1)
    return next((n for n in counts if (from_rps or 0.0) * grown(n) >= rate_rps), None)


def _growth(law: LawResult, bound: str, measured: float) -> Callable[[float], float]:
    """Return S(n)/S(measured) as a function of n, with one bound of the losses."""
    sigma, kappa = (
        max(0.0, getattr(loss, bound) or 0.0) for loss in (law.sigma, law.kappa or NONE_LOST)
    )
    before = speedup(measured, sigma=sigma, kappa=kappa)
    return lambda replicas: speedup(replicas, sigma=sigma, kappa=kappa) / before
