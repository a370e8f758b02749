"""What a gate can detect on this machine, from comparing one version with itself (A/A).

PURE. Each start is measured several times. One-way analysis of variance with random effects (Fisher
1925; Searle, Casella and McCulloch 1992, section 3.6) separates the variance between windows of one
start, σ_w², from that between starts, σ_s². With k measurements of each start, MS_between estimates
σ_w² + k·σ_s², and MS_within estimates σ_w².
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
from loadtests.gate.analysis.figures import short
from loadtests.gate.model.evidence import Evidence, StartPair
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SIDE_BY_SIDE, EndpointName, Mode
from loadtests.gate.plan import measuring_s
from loadtests.model.result import Estimate

REPEATS = 3
"""Measurements of each start."""

STARTS = 8
"""Starts of each version."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Variation of one endpoint without a change, as standard deviations of log ratios.

    ``intraclass`` is the share of the variance between starts. ``offset`` is the apparent
    difference between base and head, ``order`` the effect of the windows' order, ``drift`` the
    change per minute. Each is a ratio − 1 with a 95 % interval, which should contain 0.
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
    """Starts that a gate needs, and the loss it then detects; None if the time allows too few.

    ``visible`` is the smallest loss detected in 19 of 20 gates. ``minutes`` is measuring time.
    """

    endpoint: EndpointName
    starts: int | None
    minutes: float | None
    visible: float | None


@dataclass(frozen=True, kw_only=True)
class GateCalibration:
    """The spreads of this machine, and what a gate can detect with them."""

    spreads: tuple[Spread, ...]
    promises: tuple[Promise, ...]

    @property
    def holds(self) -> bool:
        """Whether a gate can decide every endpoint's margin in the allowed time."""
        return all(promise.starts is not None for promise in self.promises)


def calibrate(plan: GatePlan, evidence: Evidence) -> GateCalibration:
    """Return the spreads of repeatedly measured starts, and what a gate can detect with them."""
    spreads = tuple(_spread(plan, evidence, name) for name in SIDE_BY_SIDE)
    return GateCalibration(
        spreads=spreads, promises=tuple(promise(plan, spread) for spread in spreads)
    )


def _spread(plan: GatePlan, evidence: Evidence, name: EndpointName) -> Spread:
    by_start: dict[str, list[float]] = {}
    measured: list[tuple[StartPair, float]] = []
    for pair, value in zip(
        evidence.pairs, log_ratios.pair_values(evidence.pairs, name), strict=True
    ):
        if value is not None:
            by_start.setdefault(pair.base_start, []).append(value)
            measured.append((pair, value))
    within, between = components(by_start)
    total = within + between
    return Spread(
        endpoint=name,
        margin=plan.margins[name],
        window_sd=short(math.sqrt(within)),
        start_sd=short(math.sqrt(between)),
        intraclass=short(between / total) if total else 0.0,
        offset=_change([fmean(values) for values in by_start.values()]),
        order=_order(measured),
        drift=_drift(measured),
    )


def components(groups: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the variance within groups and the variance between groups, at least 0.

    Groups of unequal size use their harmonic mean size.
    """
    sized = [list(group) for group in groups.values() if len(group) > 1]
    if len(sized) < 2:
        return 0.0, 0.0
    inside = sum(sum((value - fmean(group)) ** 2 for value in group) for group in sized)
    within = inside / (sum(map(len, sized)) - len(sized))
    means = [fmean(group) for group in sized]
    middle = fmean(means)
    spread = sum((mean - middle) ** 2 for mean in means) / (len(means) - 1)
    size = len(sized) / sum(1 / len(group) for group in sized)
    return within, max(0.0, spread - within / size)


def _order(measured: Sequence[tuple[StartPair, float]]) -> Estimate:
    """Return the change of the closed window's figure when it comes first, as a ratio − 1."""
    closed_first = [value for pair, value in measured if pair.windows[0].mode is Mode.CLOSED]
    closed_last = [value for pair, value in measured if pair.windows[0].mode is not Mode.CLOSED]
    pairs = list(zip(closed_first, closed_last, strict=False))
    return _change([before - after for before, after in pairs])


def _drift(measured: Sequence[tuple[StartPair, float]]) -> Estimate:
    """Return the change per minute as a ratio − 1, by least squares."""
    if len(measured) < 3:
        return Estimate(estimate=None, low=None, high=None)
    minutes = [pair.at_s / 60 for pair, _ in measured]
    logs = [value for _, value in measured]
    middle, level = fmean(minutes), fmean(logs)
    squares = sum((minute - middle) ** 2 for minute in minutes)
    if not squares:
        return Estimate(estimate=None, low=None, high=None)
    slope = (
        sum((m - middle) * (log - level) for m, log in zip(minutes, logs, strict=True)) / squares
    )
    residuals = [log - level - slope * (m - middle) for m, log in zip(minutes, logs, strict=True)]
    error = math.sqrt(sum(residual**2 for residual in residuals) / (len(residuals) - 2) / squares)
    reach = float(stdtrit(len(residuals) - 2, 0.975)) * error
    return Estimate(
        estimate=short(math.expm1(slope)),
        low=short(math.expm1(slope - reach)),
        high=short(math.expm1(slope + reach)),
    )


def promise(plan: GatePlan, spread: Spread) -> Promise:
    """Return the first look at which 19 of 20 unchanged versions pass, and the loss it detects."""
    sd = math.hypot(spread.window_sd, spread.start_sd)
    rule = rule_of(plan, spread.endpoint)
    for look, units in enumerate(plan.looks, start=1):
        minutes = measuring_s(units, 0, lanes=len(plan.cores)) / 60
        if minutes > plan.max_minutes:
            break
        error = sd / math.sqrt(units)
        pass_by = -float(stdtrit(units - 1, rule.pass_level(look))) * error
        room = -math.log1p(-spread.margin) - pass_by
        if room > 0 and (error == 0 or float(ndtr(room / error)) >= POWER):
            smallest_loss = visible(sd, units, rule.alarm_level(look), rule.margin)
            return Promise(
                endpoint=spread.endpoint,
                starts=units,
                minutes=round(minutes, 1),
                visible=short(math.expm1(smallest_loss)),
            )
    return Promise(endpoint=spread.endpoint, starts=None, minutes=None, visible=None)


def _change(logs: Sequence[float]) -> Estimate:
    mean_ratio = geometric_mean(logs)
    low, middle, high = (
        None if value is None else short(value - 1)
        for value in (mean_ratio.low, mean_ratio.estimate, mean_ratio.high)
    )
    return Estimate(estimate=middle, low=low, high=high)
