"""Was it the two versions that were compared? PURE.

The rules of a run, as far as they can go wrong here: shares, idle costs and budgets are the same
for both sides, which run over the same windows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median

from scipy.special import bdtrc

from loadtests.analysis.bottleneck import FULL_THROTTLED_RATIO
from loadtests.analysis.rules.finding import COVERED_PART
from loadtests.analysis.rules.load import (
    CORE_LIMIT_RATIO,
    ERROR_LIMIT_RATIO,
    GAIN_LIMIT_RATIO,
    LAG_LIMIT_MS,
)
from loadtests.gate.analysis import error_spending
from loadtests.gate.model import (
    Evidence,
    Figures,
    GateFinding,
    GatePlan,
    Mode,
    PairWindow,
    ScalingBlock,
    ScalingWindow,
    SideName,
    StartPair,
    side_of,
)
from loadtests.model.vocabulary import RuleCode

CONTENTION_LIMIT_RATIO = 0.25
"""Share of the cores that others may use. Both sides lose the same to them, so it makes the answer
less precise, not wrong; but beyond a quarter budgets of half of the cores cannot be had."""

CONTENTION_WARNING_RATIO = 0.05
"""Share from which a run is invalid; a gate only says so."""


def check(plan: GatePlan, evidence: Evidence) -> tuple[GateFinding, ...]:
    """Give the rules that are broken, and what is worth knowing."""
    return (
        *_errors(plan, evidence),
        *_generator(evidence),
        *_proxy(evidence),
        *_identity(plan, evidence),
        *_contention(evidence),
        *_saturation(evidence),
    )


def figures_of(evidence: Evidence, side: SideName) -> Iterator[Figures]:
    """Give all figures of one side."""
    for pair in evidence.pairs:
        for window in pair.windows:
            yield window.base if side is SideName.BASE else window.head
    for block in evidence.blocks:
        for alone in block.windows:
            if alone.side is side:
                yield alone.figures


def _windows(evidence: Evidence) -> list[PairWindow | ScalingWindow]:
    units: tuple[StartPair | ScalingBlock, ...] = (*evidence.pairs, *evidence.blocks)
    return [window for unit in units for window in unit.windows]


def _kinds(evidence: Evidence) -> list[list[PairWindow | ScalingWindow]]:
    """Give the windows that are loaded alike together, as a run's rules judge each cell by itself.

    Of a worker model: its closed windows, its open ones, and those of each side and number of
    replicas. What is full in all closed windows, which are a few of all, decides the throughput.
    """
    kinds: dict[tuple[str, ...], list[PairWindow | ScalingWindow]] = defaultdict(list)
    for pair in evidence.pairs:
        for window in pair.windows:
            kinds[pair.worker, window.mode].append(window)
    for block in evidence.blocks:
        for alone in block.windows:
            kinds[block.worker, alone.side, str(alone.replicas)].append(alone)
    return list(kinds.values())


def _widespread(values: Iterable[float]) -> float:
    """Give what is reached in more than a quarter of the windows of a kind.

    A run allows a fault in three windows of a cell at the most, for an interval of up to twelve
    rounds covers no more. A gate has 16 to 768 pairs and a margin that is fixed. Both sides meet
    the same faults, side by side or in turns whose order is drawn: so a fault makes no loss, but in
    a share of the windows it hides up to that share of one. Hence a share is allowed, the same as
    in a run of few rounds. A median would let half of a loss be hidden.
    """
    ranked = sorted(values, reverse=True)
    return ranked[len(ranked) // COVERED_PART]


def error_counts(evidence: Evidence, side: SideName) -> tuple[int, int]:
    """Give how many requests of a side failed, and how many ended."""
    found = tuple(figures_of(evidence, side))
    failed = sum(figures.failed for figures in found)
    return failed, failed + sum(figures.completed for figures in found)


def head_fails_more(plan: GatePlan, evidence: Evidence) -> bool:
    """Tell whether head fails in one request of a thousand or more, and more often than base.

    Given all failures, head's number of them is binomial where both fail alike (the conditional
    test of Przyborowski and Wilenski 1940); one-sided, at the level of an endpoint at this look.
    """
    look = max(1, error_spending.look_at(len(evidence.pairs), plan.looks))
    level = plan.alpha / plan.tests * error_spending.share(look, plan.looks, error_spending.late)
    base, base_of = error_counts(evidence, SideName.BASE)
    head, head_of = error_counts(evidence, SideName.HEAD)
    if not head or head / head_of < ERROR_LIMIT_RATIO:
        return False
    chance = float(bdtrc(head - 1, base + head, head_of / (base_of + head_of)))
    return chance < level


def _errors(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    worse = head_fails_more(plan, evidence)
    for side in SideName:
        failed, ended = error_counts(evidence, side)
        if not evidence.pairs or (side is SideName.HEAD and worse):
            continue  # no measurement yet, or a regression, which is judged as one
        if not ended:
            yield GateFinding(
                code=RuleCode.ERRORS, detail=f"Not one request to {side} ended inside a window."
            )
        elif failed / ended >= ERROR_LIMIT_RATIO:
            yield GateFinding(
                code=RuleCode.ERRORS,
                detail=f"{failed} of {ended} requests to {side} failed, so neither throughput nor"
                " time says what the version can do.",
            )


def _generator(evidence: Evidence) -> Iterator[GateFinding]:
    kinds = _kinds(evidence)
    if not kinds:
        return
    busy = max(_widespread(window.generator_ratio for window in kind) for kind in kinds)
    lag = max(_widespread(window.lag_ms for window in kind) for kind in kinds)
    if busy >= CORE_LIMIT_RATIO or lag > LAG_LIMIT_MS:
        yield GateFinding(
            code=RuleCode.GENERATOR_SATURATED,
            detail=f"A generator used {busy:.0%} of a core and acted {lag:.0f} ms late"
            f" (limits {CORE_LIMIT_RATIO:.0%} and {LAG_LIMIT_MS:.0f} ms).",
        )


def _proxy(evidence: Evidence) -> Iterator[GateFinding]:
    shares = [_proxy_ratios(kind) for kind in _kinds(evidence)]
    busy = max((_widespread(ratios) for ratios in shares if ratios), default=0.0)
    if busy >= CORE_LIMIT_RATIO:
        yield GateFinding(
            code=RuleCode.PROXY_SATURATED,
            detail=f"The proxy used {busy:.0%} of its core where scaling was measured.",
        )


def _proxy_ratios(kind: Sequence[PairWindow | ScalingWindow]) -> list[float]:
    return [
        window.proxy_ratio
        for window in kind
        if isinstance(window, ScalingWindow) and window.proxy_ratio is not None
    ]


def _identity(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    """Give what was replaced; that of a head which fails more is how it fails, so only said."""
    if evidence.replaced:
        of_head = all(side_of(name) is SideName.HEAD for name in evidence.replaced)
        yield GateFinding(
            code=RuleCode.IDENTITY,
            detail=f"Not the same from first to last: {', '.join(evidence.replaced)}. Look for a"
            " crash or a killer of memory in the logs.",
            warning=of_head and head_fails_more(plan, evidence),
        )


def _contention(evidence: Evidence) -> Iterator[GateFinding]:
    windows = _windows(evidence)
    foreign = [window.foreign_ratio for window in windows if window.foreign_ratio is not None]
    steal = [window.steal_ratio for window in windows if window.steal_ratio is not None]
    if not foreign:
        return
    worst = max(fmean(foreign), fmean(steal))
    who = "Other programs" if fmean(foreign) >= fmean(steal) else "The host"
    if worst >= CONTENTION_WARNING_RATIO:
        yield GateFinding(
            code=RuleCode.HOST_CONTENTION,
            detail=f"{who} took {worst:.1%} of the cores in the windows"
            + (
                ". Both sides lost alike, so the answer is less precise and no other."
                if worst < CONTENTION_LIMIT_RATIO
                else f" (limit {CONTENTION_LIMIT_RATIO:.0%})."
            ),
            warning=worst < CONTENTION_LIMIT_RATIO,
        )


def _saturation(evidence: Evidence) -> Iterator[GateFinding]:
    """Give the worker models of whose load it is not known that it was enough.

    Here the median is right: it is asked what limits the versions, not whether a window is sound.
    A window is not full where others took the CPU meanwhile, and that has a rule of its own.
    """
    for load in evidence.loads:
        held = [
            figures.throttled_ratio
            for pair in evidence.pairs
            if pair.worker == load.worker
            for window in pair.windows
            if window.mode is Mode.CLOSED
            for figures in (window.base, window.head)
            if figures.throttled_ratio is not None
        ]
        full = bool(held) and median(held) >= FULL_THROTTLED_RATIO
        enough = load.gain_ratio is not None and load.gain_ratio < GAIN_LIMIT_RATIO
        if not full and not enough:
            yield GateFinding(
                code=RuleCode.NOT_SATURATED,
                detail=f"{load.worker}: with {load.users} users nothing was full, and twice as many"
                " gained more than 5 %: this is not what the versions can do.",
            )
