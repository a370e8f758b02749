"""Judges one endpoint from the log ratios of its starts. PURE.

Each start (pair or block) gives one value: ln(head ÷ base) of the performance. The bounds on their
mean are one-sided, by Student's t with n − 1 degrees of freedom, at the levels of the look
(``error_spending``):

==============  ==================================================================================
regressed       The upper bound is below 0, and the estimate is at most −margin/2. If the lower
                bound is above −margin, the estimate must be one standard error lower still.
improved        The same with the signs reversed.
pass            The lower bound is above −margin, and neither of the above holds. Nor would
                ``regressed`` hold without the extra standard error.
inconclusive    Anything else.
==============  ==================================================================================

Only the number of values and the values themselves count, never their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import nctdtrinc, stdtrit

from loadtests.gate.analysis import error_spending
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict

POWER = 0.95
"""Probability of detecting the smallest visible change."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The decision rule of one endpoint; ``tests`` is the number of endpoints sharing ``alpha``."""

    margin: float
    alpha: float
    beta: float
    tests: int
    looks: tuple[int, ...]

    def alarm_level(self, look: int) -> float:
        """Return the one-sided level of ``regressed`` and ``improved`` at a look."""
        return error_spending.level_at(
            look, self.looks, self.alpha / self.tests, error_spending.late
        )

    def pass_level(self, look: int) -> float:
        """Return the one-sided level of ``pass`` at a look, the same for every endpoint."""
        return error_spending.level_at(look, self.looks, self.beta, error_spending.early)


def rule_of(plan: GatePlan, endpoint: EndpointName) -> Rule:
    """Return the decision rule of an endpoint."""
    return Rule(
        margin=plan.margins[endpoint],
        alpha=plan.alpha,
        beta=plan.beta,
        tests=plan.tests,
        looks=plan.block_looks if endpoint is EndpointName.SCALING else plan.looks,
    )


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The decision on one endpoint, in logarithms; None if there are too few values."""

    verdict: GateVerdict
    units: int
    look: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    visible: float | None = None
    needed_units: int | None = None
    """Starts that would probably decide an inconclusive endpoint; None if no look would."""


def judge(values: Sequence[float], rule: Rule) -> Judged:
    """Return the decision on an endpoint from the log ratios of its starts."""
    units = len(values)
    look = error_spending.look_at(units, rule.looks)
    mean = math.fsum(values) / units if units else None
    if look == 0 or mean is None:
        return Judged(
            verdict=GateVerdict.INCONCLUSIVE,
            units=units,
            look=0,
            mean=mean,
            needed_units=rule.looks[0],
        )
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (units - 1))
    pass_by, alarm_by = _reaches(sd, units, look, rule)
    verdict = _verdict(mean, sd / math.sqrt(units), pass_by, alarm_by, rule.margin)
    return Judged(
        verdict=verdict,
        units=units,
        look=look,
        mean=mean,
        low=mean - pass_by,
        high=mean + alarm_by,
        sd=sd,
        visible=visible(sd, units, rule.alarm_level(look), rule.margin),
        needed_units=(
            _needed(mean, sd, units, rule) if verdict is GateVerdict.INCONCLUSIVE else None
        ),
    )


def reason_of(judged: Judged, margin: float) -> str:
    """Return the decision and its figures in words."""
    if judged.mean is None:
        return "Nothing was measured."
    change = _percent(judged.mean)
    if judged.low is None or judged.high is None or judged.visible is None:
        return f"{change} after {judged.units} starts, too few to decide."
    low, high = _percent(judged.low), _percent(judged.high)
    match judged.verdict:
        case GateVerdict.REGRESSED:
            return f"{change}, and shown to be below {high}."
        case GateVerdict.IMPROVED:
            return f"{change}, and shown to be better."
        case GateVerdict.PASS:
            return f"{change}, and shown to be above {low} (margin −{margin:.0%})."
        case _:
            return (
                f"{change}, between {low} and {high} (margin −{margin:.0%}). The smallest"
                f" detectable loss is {_percent(judged.visible)}."
            )


def _percent(log: float) -> str:
    return f"{100 * math.expm1(log):+.1f} %".replace("-", "−")


def _reaches(sd: float, units: int, look: int, rule: Rule) -> tuple[float, float]:
    """Return the distances of the ``pass`` and ``regressed`` bounds from the estimate."""
    error = sd / math.sqrt(units)
    return (
        _quantile(units, rule.pass_level(look)) * error,
        _quantile(units, rule.alarm_level(look)) * error,
    )


def _quantile(units: int, level: float) -> float:
    """Return the one-sided quantile of Student's t (Student 1908)."""
    return -float(stdtrit(units - 1, level))


def _verdict(
    mean: float, error: float, pass_by: float, alarm_by: float, margin: float
) -> GateVerdict:
    if _lost(mean, error, pass_by, alarm_by, margin):
        return GateVerdict.REGRESSED
    if _lost(-mean, error, pass_by, alarm_by, margin):
        return GateVerdict.IMPROVED
    # Without the extra standard error: a shown loss that is close to the line at −margin/2.
    near = _lost(mean, 0.0, pass_by, alarm_by, margin)
    if mean - pass_by > math.log1p(-margin) and not near:
        return GateVerdict.PASS
    return GateVerdict.INCONCLUSIVE


def _lost(mean: float, error: float, pass_by: float, alarm_by: float, margin: float) -> bool:
    """Return whether a change is shown to be a loss, and is large enough by its estimate.

    A loss that is shown, but shown to be smaller than the margin, could be judged either way. Then
    the estimate has to be one standard error beyond the line at −margin/2.
    """
    line = math.log1p(-margin / 2)
    within = mean - pass_by > math.log1p(-margin)
    return mean + alarm_by < 0 and mean <= (line - error if within else line)


def visible(sd: float, units: int, alpha: float, margin: float) -> float:
    """Return the smallest loss (a logarithm below 0) that is detected with probability ``POWER``.

    Its test at level ``alpha`` has to be positive; the statistic then follows the non-central t
    distribution (Johnson and Welch 1940). Its estimate has to be one standard error beyond the line
    at −margin/2.
    """
    error = sd / math.sqrt(units)
    tested = float(nctdtrinc(units - 1, 1 - POWER, _quantile(units, alpha)))
    beyond_line = (1 + _quantile(units, 1 - POWER)) * error - math.log1p(-margin / 2)
    return -max(tested * error, beyond_line)


def _needed(mean: float, sd: float, units: int, rule: Rule) -> int | None:
    """Return the number of starts at which the present estimate and spread would decide."""
    for number, needed in enumerate(rule.looks, start=1):
        if needed <= units:
            continue
        reaches = _reaches(sd, needed, number, rule)
        verdict = _verdict(mean, sd / math.sqrt(needed), *reaches, rule.margin)
        if verdict is not GateVerdict.INCONCLUSIVE:
            return needed
    return None
