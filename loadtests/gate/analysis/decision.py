"""From the log ratios of starts to what can be said of one endpoint. PURE.

One value a start (pair or block): ln(head ÷ base) of the performance. Student's t bounds on their
mean, one-sided, with n − 1 degrees of freedom, at the levels of the look (``levels``):

==============  ==================================================================================
regressed       the upper bound lies below 0, and the estimate at −margin/2 or lower; where the
                lower bound lies above −margin, by a standard error lower
improved        the mirror image of that
pass            the lower bound lies above −margin, and it is neither of the above, nor so near to
                ``regressed`` that only that standard error is missing
inconclusive    anything else
==============  ==================================================================================

Only how many values there are and what they are counts, never their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import nctdtrinc, stdtrit

from loadtests.gate.analysis import error_spending
from loadtests.gate.model import EndpointName, GatePlan, GateVerdict

POWER = 0.95
"""How often the smallest visible change would be seen."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one endpoint is judged by; ``tests`` is how many endpoints share ``alpha``."""

    margin: float
    alpha: float
    beta: float
    tests: int
    looks: tuple[int, ...]

    def alarm_level(self, look: int) -> float:
        """Give the one-sided level of ``regressed`` and ``improved`` at a look."""
        return error_spending.level_at(
            look, self.looks, self.alpha / self.tests, error_spending.late
        )

    def pass_level(self, look: int) -> float:
        """Give the one-sided level of ``pass`` at a look, the same for every endpoint."""
        return error_spending.level_at(look, self.looks, self.beta, error_spending.early)


def rule_of(plan: GatePlan, endpoint: EndpointName) -> Rule:
    """Give what an endpoint is judged by."""
    return Rule(
        margin=plan.margins[endpoint],
        alpha=plan.alpha,
        beta=plan.beta,
        tests=plan.tests,
        looks=plan.block_looks if endpoint is EndpointName.SCALING else plan.looks,
    )


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was found: logarithms, None where there are too few values."""

    verdict: GateVerdict
    units: int
    look: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    visible: float | None = None
    needed_units: int | None = None
    """How many starts would probably settle an inconclusive one; None where no look would."""


def judge(values: Sequence[float], rule: Rule) -> Judged:
    """Judge the log ratios of an endpoint's starts."""
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


def _reaches(sd: float, units: int, look: int, rule: Rule) -> tuple[float, float]:
    """Return how far the bounds of ``pass`` and of ``regressed`` lie from the estimate."""
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
    # Without the standard error: a loss that is certain, and near the line between the two.
    near = _lost(mean, 0.0, pass_by, alarm_by, margin)
    if mean - pass_by > math.log1p(-margin) and not near:
        return GateVerdict.PASS
    return GateVerdict.INCONCLUSIVE


def _lost(mean: float, error: float, pass_by: float, alarm_by: float, margin: float) -> bool:
    """Tell whether a change is a loss for certain, and a great one by its estimate.

    A loss that is both certain and certainly smaller than the margin may be called either way; then
    the line at −margin/2 decides, from one standard error beyond it on. Nearer, more starts do.
    """
    line = math.log1p(-margin / 2)
    within = mean - pass_by > math.log1p(-margin)
    return mean + alarm_by < 0 and mean <= (line - error if within else line)


def visible(sd: float, units: int, alpha: float, margin: float) -> float:
    """Return the smallest loss (a logarithm below 0) that would be called one with ``POWER``.

    It has to pass the test at level ``alpha``, whose statistic then follows the non-central t
    distribution (Johnson and Welch 1940), and its estimate the line at −margin/2, by a standard
    error where that is asked for.
    """
    error = sd / math.sqrt(units)
    tested = float(nctdtrinc(units - 1, 1 - POWER, _quantile(units, alpha)))
    beyond_line = (1 + _quantile(units, 1 - POWER)) * error - math.log1p(-margin / 2)
    return -max(tested * error, beyond_line)


def _needed(mean: float, sd: float, units: int, rule: Rule) -> int | None:
    """Return at how many starts the present estimate and spread would settle it."""
    for number, wanted in enumerate(rule.looks, start=1):
        if wanted <= units:
            continue
        reaches = _reaches(sd, wanted, number, rule)
        found = _verdict(mean, sd / math.sqrt(wanted), *reaches, rule.margin)
        if found is not GateVerdict.INCONCLUSIVE:
            return wanted
    return None
