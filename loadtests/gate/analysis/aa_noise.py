"""What a gate can see on this machine: the same version against itself, each start several times.

PURE. Figures of one start differ from window to window, and starts differ from one another for as
long as they live. Both are told apart by one-way analysis of variance with random effects (Fisher
1925; Searle, Casella and McCulloch 1992, section 3.6): with k measurements of each start,
MS_between estimates σ_w² + k·σ_s², and MS_within σ_w².
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy.special import ndtr, stdtrit

from loadtests.analysis.intervals import geometric_mean
from loadtests.gate.analysis import log_ratios
from loadtests.gate.analysis.decision import POWER, rule_of, visible
from loadtests.gate.model import SIDE_BY_SIDE, EndpointName, Evidence, GatePlan, Mode, StartPair
from loadtests.gate.plan import STEP_S
from loadtests.model.result import Estimate

REPEATS = 3
"""How often each start is measured."""

STARTS = 8


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How much one endpoint varies without a cause, as standard deviations of log ratios.

    ``intraclass`` is the share of the variance that belongs to the starts. ``offset`` is what base
    and head seemed to differ by, ``order`` by how much who was told first seemed better, ``drift``
    the change in a minute; each a ratio − 1 with a 95 % interval, which should hold 0.
    """

    endpoint: EndpointName
    margin: float
    window_sd: float
    start_sd: float
    intraclass: float
    offset: Estimate
    order: Estimate
    drift: Estimate


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a gate with so many starts would see; None where none within the time is enough.

    ``visible`` is the smallest loss seen in 19 of 20 gates; ``minutes`` are those of measuring.
    """

    endpoint: EndpointName
    starts: int | None
    minutes: float | None
    visible: float | None


@dataclass(frozen=True, kw_only=True)
class GateCalibration:
    """What this machine's spreads are, and what follows from them."""

    spreads: tuple[Spread, ...]
    promises: tuple[Promise, ...]

    @property
    def holds(self) -> bool:
        """Whether every endpoint's margin can be held in the time."""
        return all(promise.starts is not None for promise in self.promises)


def calibrate(plan: GatePlan, evidence: Evidence) -> GateCalibration:
    """Work out the spreads of pairs of which each start has several, and what they allow."""
    spreads = tuple(_spread(plan, evidence, name) for name in SIDE_BY_SIDE)
    return GateCalibration(
        spreads=spreads, promises=tuple(promise(plan, spread) for spread in spreads)
    )


def _spread(plan: GatePlan, evidence: Evidence, name: EndpointName) -> Spread:
    by_start: dict[str, list[float]] = {}
    known: list[tuple[StartPair, float]] = []
    for pair, value in zip(
        evidence.pairs, log_ratios.pair_values(evidence.pairs, name), strict=True
    ):
        if value is not None:
            by_start.setdefault(pair.base_start, []).append(value)
            known.append((pair, value))
    within, between = components(by_start)
    total = within + between
    return Spread(
        endpoint=name,
        margin=plan.margins[name],
        window_sd=_short(math.sqrt(within)),
        start_sd=_short(math.sqrt(between)),
        intraclass=_short(between / total) if total else 0.0,
        offset=_change([fmean(found) for found in by_start.values()]),
        order=_order(known),
        drift=_drift(known),
    )


def components(groups: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the variances within and between groups; the latter is never below 0.

    Groups of unequal size count with their harmonic mean size.
    """
    sized = [list(found) for found in groups.values() if len(found) > 1]
    if len(sized) < 2:
        return 0.0, 0.0
    inside = sum(sum((value - fmean(found)) ** 2 for value in found) for found in sized)
    within = inside / (sum(map(len, sized)) - len(sized))
    means = [fmean(found) for found in sized]
    middle = fmean(means)
    spread = sum((mean - middle) ** 2 for mean in means) / (len(means) - 1)
    size = len(sized) / sum(1 / len(found) for found in sized)
    return within, max(0.0, spread - within / size)


def _order(known: Sequence[tuple[StartPair, float]]) -> Estimate:
    """Return how much better the closed window read when it came first."""
    first = [value for pair, value in known if pair.windows[0].mode is Mode.CLOSED]
    later = [value for pair, value in known if pair.windows[0].mode is not Mode.CLOSED]
    pairs = list(zip(first, later, strict=False))
    return _change([one - other for one, other in pairs])


def _drift(known: Sequence[tuple[StartPair, float]]) -> Estimate:
    """Return the slope over the minutes, by least squares."""
    if len(known) < 3:
        return Estimate(estimate=None, low=None, high=None)
    minutes = [pair.at_s / 60 for pair, _ in known]
    logs = [value for _, value in known]
    middle, level = fmean(minutes), fmean(logs)
    squares = sum((minute - middle) ** 2 for minute in minutes)
    if not squares:
        return Estimate(estimate=None, low=None, high=None)
    slope = (
        sum((m - middle) * (log - level) for m, log in zip(minutes, logs, strict=True)) / squares
    )
    rest = [log - level - slope * (m - middle) for m, log in zip(minutes, logs, strict=True)]
    error = math.sqrt(sum(each**2 for each in rest) / (len(rest) - 2) / squares)
    reach = float(stdtrit(len(rest) - 2, 0.975)) * error
    return Estimate(
        estimate=_short(math.expm1(slope)),
        low=_short(math.expm1(slope - reach)),
        high=_short(math.expm1(slope + reach)),
    )


def promise(plan: GatePlan, spread: Spread) -> Promise:
    """Return from which look on a gate passes 19 of 20 times without a change, and what it sees."""
    sd = math.hypot(spread.window_sd, spread.start_sd)
    rule = rule_of(plan, spread.endpoint)
    for look, units in enumerate(plan.looks, start=1):
        minutes = math.ceil(units / len(plan.cores)) * STEP_S / 60
        if minutes > plan.max_minutes:
            break
        error = sd / math.sqrt(units)
        pass_by = -float(stdtrit(units - 1, rule.pass_level(look))) * error
        room = -math.log1p(-spread.margin) - pass_by
        if room > 0 and (error == 0 or float(ndtr(room / error)) >= POWER):
            seen = visible(sd, units, rule.alarm_level(look), rule.margin)
            return Promise(
                endpoint=spread.endpoint,
                starts=units,
                minutes=round(minutes, 1),
                visible=_short(math.expm1(seen)),
            )
    return Promise(endpoint=spread.endpoint, starts=None, minutes=None, visible=None)


def _change(logs: Sequence[float]) -> Estimate:
    found = geometric_mean(logs)
    low, middle, high = (
        None if value is None else _short(value - 1)
        for value in (found.low, found.estimate, found.high)
    )
    return Estimate(estimate=middle, low=low, high=high)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
