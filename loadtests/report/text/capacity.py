"""How far the fitted law and what was measured reach: rates beyond the data, replicas for a rate.

PURE. A law is drawn on from the largest cell that was measured, whose throughput is known, not
assumed. Its bounds take the worse end of every interval at once, so they are wider than 95 %; and
no law makes more of a replica than it gave when it was one of those that were measured: a share
lost that came out below zero is noise, and counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.analysis.scaling_laws import speedup
from loadtests.model.result import CellResult, Estimate, LawResult

BEYOND = 2
"""How far a law is looked at, in multiples of the most replicas measured: the next doubling."""

MOST_REPLICAS = 1000
"""Beyond so many replicas no plan is made: the law says that the rate cannot be reached."""

NONE_LOST = Estimate(estimate=0.0, low=0.0, high=0.0)


@dataclass(frozen=True, kw_only=True)
class Need:
    """The replicas that a rate takes; None where no number of them reaches it."""

    wanted_rps: float
    likely: int | None
    least: int | None
    most: int | None


def reaches(cell: CellResult, law: LawResult) -> bool:
    """Return whether something can be said beyond a cell: law and cell have intervals."""
    return law.sigma.low is not None and bool(cell.throughput_rps.low)


def rate_at(cell: CellResult, law: LawResult, replicas: float) -> Estimate:
    """Return the throughput of so many replicas in requests per second, with its bounds."""
    measured = cell.throughput_rps
    count = cell.cell.replicas
    return Estimate(
        estimate=(measured.estimate or 0.0) * _growth(law, "estimate", count, replicas),
        low=(measured.low or 0.0) * _growth(law, "high", count, replicas),
        high=(measured.high or 0.0) * _growth(law, "low", count, replicas),
    )


def replicas_for(cell: CellResult, law: LawResult, wanted_rps: float) -> Need:
    """Return the fewest replicas whose throughput reaches a rate, by the law and its bounds."""
    found: dict[str, int | None] = {"likely": None, "least": None, "most": None}
    for count in range(1, MOST_REPLICAS + 1):
        rate = rate_at(cell, law, count)
        reached = {"likely": rate.estimate, "least": rate.high, "most": rate.low}
        for name, value in reached.items():
            if found[name] is None and (value or 0.0) >= wanted_rps:
                found[name] = count
        if None not in found.values():
            break
    return Need(wanted_rps=wanted_rps, **found)


def _growth(law: LawResult, bound: str, measured: float, replicas: float) -> float:
    """Return S(replicas)/S(measured) with one bound of the losses."""
    sigma, kappa = (
        max(0.0, getattr(loss, bound) or 0.0) for loss in (law.sigma, law.kappa or NONE_LOST)
    )
    return speedup(replicas, sigma=sigma, kappa=kappa) / speedup(measured, sigma=sigma, kappa=kappa)
