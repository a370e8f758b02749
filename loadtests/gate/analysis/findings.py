"""Checks whether a gate's measurement is valid. PURE.

These are the rules of a run that can fail in a gate. Request shares, idle costs and budgets need no
rule: both versions run in the same windows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median

from loadtests.analysis.bottleneck import FULL_THROTTLED_RATIO
from loadtests.analysis.failures.shape import ERROR_LIMIT_RATIO
from loadtests.analysis.rules.finding import COVERED_PART
from loadtests.analysis.rules.load import (
    CORE_LIMIT_RATIO,
    GAIN_LIMIT_RATIO,
    LAG_LIMIT_MS,
)
from loadtests.gate.analysis import answers, error_spending, heading
from loadtests.gate.analysis.answers import Difference
from loadtests.gate.model.evidence import (
    Evidence,
    Figures,
    PairWindow,
    ScalingBlock,
    ScalingWindow,
    StartPair,
)
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.result import GateFinding
from loadtests.gate.model.vocabulary import Mode, SideName
from loadtests.model.trial import RequestCount
from loadtests.model.vocabulary import RuleCode
from loadtests.servers.interpreter import COMPILING

CONTENTION_LIMIT_RATIO = 0.25
"""Share of the cores that other programs may use. Both versions lose the same, so the result is
less precise but unbiased. Beyond a quarter, replicas may not get the half core of their budgets."""

MORE_CONNECTIONS = (
    "In a gate, all starts of a version are up at once and share its store. Let that store take"
    " more connections (PostgreSQL: command: postgres -c max_connections=1000), or give each"
    " process a smaller pool."
)
"""What to do where a store has no connection left for the starts of a version."""

CONTENTION_WARNING_RATIO = 0.05
"""Share from which a run is invalid; a gate only warns."""


def check(plan: GatePlan, evidence: Evidence) -> tuple[GateFinding, ...]:
    """Return the broken rules and the warnings."""
    return (
        *_refusals(evidence),
        *_errors(plan, evidence),
        *_shorter(plan, evidence),
        *_generator(evidence),
        *_proxy(evidence),
        *_conservation(evidence),
        *_identity(plan, evidence),
        *_contention(evidence),
        *_saturation(evidence),
        *_cold(plan, evidence),
    )


def figures_of(evidence: Evidence, side: SideName) -> Iterator[Figures]:
    """Yield all figures of one version."""
    for pair in evidence.pairs:
        for window in pair.windows:
            yield window.of(side)
    for block in evidence.blocks:
        for alone in block.windows:
            if alone.side is side:
                yield alone.figures


def _windows(evidence: Evidence) -> list[PairWindow | ScalingWindow]:
    units: tuple[StartPair | ScalingBlock, ...] = (*evidence.pairs, *evidence.blocks)
    return [window for unit in units for window in unit.windows]


def _kinds(evidence: Evidence) -> list[list[PairWindow | ScalingWindow]]:
    """Return the windows grouped by kind of load, as a run's rules judge each cell separately.

    The kinds of a worker model are its closed windows, its open windows, and its scaling windows by
    version and number of replicas. The closed windows are few, but they decide the throughput.
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
    """Return the value that more than a quarter of a kind's windows reach.

    A fault affects both versions alike, side by side or in randomised order, so it causes no loss.
    But a fault in a share of the windows can hide up to that share of a loss. So a quarter of the
    windows may have a fault, as in a run of few rounds. A median would let half of a loss be
    hidden.
    """
    ranked = sorted(values, reverse=True)
    return ranked[len(ranked) // COVERED_PART]


def error_counts(evidence: Evidence, side: SideName) -> tuple[int, int]:
    """Return how many requests of a version failed, and how many ended."""
    all_figures = tuple(figures_of(evidence, side))
    failed = sum(figures.failed for figures in all_figures)
    return failed, failed + sum(figures.completed for figures in all_figures)


def head_fails_more(plan: GatePlan, evidence: Evidence) -> bool:
    """Return whether head answers worse than base: more failures, or answers of another kind."""
    return all_fail_more(plan, evidence) or bool(unlike(plan, evidence))


def all_fail_more(plan: GatePlan, evidence: Evidence) -> bool:
    """Return whether head fails at least one request in a thousand, and more often than base.

    If both versions fail equally often, head's share of all failures is binomial (the conditional
    test of Przyborowski and Wilenski 1940). The test is one-sided, at half of an endpoint's level
    at this look. It takes requests as independent, and those of one start are not: one stall fails
    many. So head's worst starts do not count, as with a single request's answers.
    """
    base, base_of = error_counts(evidence, SideName.BASE)
    head, head_of = error_counts(evidence, SideName.HEAD)
    if not head or head / head_of < ERROR_LIMIT_RATIO:
        return False
    spread = answers.spread(answers.failures_by_start(evidence))
    return answers.chance((base, spread), (base_of, head_of)) < _level(plan, evidence)


def unlike(plan: GatePlan, evidence: Evidence) -> tuple[Difference, ...]:
    """Return how head answers single requests otherwise than base, all at one level together."""
    return answers.differences(plan, evidence, level=_level(plan, evidence))


def _level(plan: GatePlan, evidence: Evidence) -> float:
    """Return half of an endpoint's level at this look: the two tests of answers share it."""
    look = max(1, error_spending.look_at(len(evidence.pairs), plan.looks))
    share = error_spending.share(look, plan.looks, error_spending.late)
    return plan.alpha / plan.tests * share / 2


def _shorter(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    for told in answers.shorter(plan, evidence):
        yield GateFinding(code=RuleCode.ERRORS, detail=told, warning=True)


def _errors(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    worse = head_fails_more(plan, evidence)
    for side in SideName:
        failed, ended = error_counts(evidence, side)
        if not evidence.pairs or (side is SideName.HEAD and worse):
            continue  # nothing measured yet, or a regression, which is an endpoint of its own
        if not ended:
            yield GateFinding(
                code=RuleCode.ERRORS, detail=f"No request to {side} ended inside a window."
            )
        elif failed / ended >= ERROR_LIMIT_RATIO:
            yield GateFinding(
                code=RuleCode.ERRORS,
                detail=f"{failed} of {ended} requests to {side} failed, so its throughput and"
                " response times cannot be judged.",
            )


def _refusals(evidence: Evidence) -> Iterator[GateFinding]:
    """Yield where stores refused connections: how many starts share one is the gate's doing.

    What only a start of head says is a warning.
    """
    if told := told_refusals(evidence):
        yield GateFinding(code=RuleCode.ERRORS, detail=told, warning=not evidence.store_refusals)


def told_refusals(evidence: Evidence) -> str:
    """Return which stores refused connections, and what to do; "" where none was seen to."""
    refusals = evidence.store_refusals
    if SideName.BASE in refusals:
        lines = "; ".join(f"{side}: {line}" for side, line in refusals.items())
        told = f"A store refused connections, so its starts cannot be judged ({lines})."
    elif SideName.HEAD in refusals:
        told = (
            f"Head's store refused connections ({refusals[SideName.HEAD]}). Base's did not, with as"
            " many starts. So head opens more connections than base, or leaks them. Whether its"
            " replicas would get enough of them cannot be told here."
        )
    elif evidence.head_refusal:
        told = (
            f"A start of head says that a store refused connections ({evidence.head_refusal})."
            " Only a store's own log, or one of base, can change a verdict."
        )
    else:
        return ""
    return f"{told} {MORE_CONNECTIONS}"


def _generator(evidence: Evidence) -> Iterator[GateFinding]:
    kinds = _kinds(evidence)
    if not kinds:
        return
    busy = max(_widespread(window.generator_ratio for window in kind) for kind in kinds)
    lag = max(_widespread(window.lag_ms for window in kind) for kind in kinds)
    if busy >= CORE_LIMIT_RATIO or lag > LAG_LIMIT_MS:
        yield GateFinding(
            code=RuleCode.GENERATOR_SATURATED,
            detail=f"A generator used {busy:.0%} of a core and sent requests {lag:.0f} ms late"
            f" (limits {CORE_LIMIT_RATIO:.0%} and {LAG_LIMIT_MS:.0f} ms).",
        )


def _proxy(evidence: Evidence) -> Iterator[GateFinding]:
    shares = [_proxy_ratios(kind) for kind in _kinds(evidence)]
    busy = max((_widespread(ratios) for ratios in shares if ratios), default=0.0)
    if busy >= CORE_LIMIT_RATIO:
        yield GateFinding(
            code=RuleCode.PROXY_SATURATED,
            detail=f"The proxy used {busy:.0%} of its core while scaling was measured.",
        )


def _proxy_ratios(kind: Sequence[PairWindow | ScalingWindow]) -> list[float]:
    return [
        window.proxy_ratio
        for window in kind
        if isinstance(window, ScalingWindow) and window.proxy_ratio is not None
    ]


def _conservation(evidence: Evidence) -> Iterator[GateFinding]:
    """Return where base counted other requests than were sent to it.

    Somebody else who asks base makes it slower, which would hide what head has lost. Head's own
    count is not trusted: a false one could take away a verdict.
    """
    counted = [(pair, pair.base_requests) for pair in evidence.pairs if pair.base_requests]
    if not counted:
        return
    pair, worst = max(counted, key=lambda entry: _off(entry[1]))
    if _off(worst):
        yield GateFinding(
            code=RuleCode.CONSERVATION,
            detail=f"{pair.worker}, pair {pair.number}: the generator sent {worst.sent} requests to"
            f" base, and base counted {worst.counted}. Does something else send requests to it?",
        )


def _off(count: RequestCount) -> int:
    """Return how many requests more or fewer were counted than failures explain."""
    return max(0, abs(count.counted - count.sent) - count.failed)


def _side_of(member: str) -> SideName | None:
    """Return the version of a member by its name, or None for the harness's own."""
    side = member.partition("-")[0]
    return SideName(side) if side in set(SideName) else None


def _identity(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    """Return the replaced members; only a warning if they are how a failing head fails."""
    if evidence.replaced:
        of_head = all(_side_of(name) is SideName.HEAD for name in evidence.replaced)
        yield GateFinding(
            code=RuleCode.IDENTITY,
            detail=f"Restarted, replaced or gone during the gate: {', '.join(evidence.replaced)}."
            " Look in the logs for a crash or an out-of-memory kill.",
            warning=of_head and head_fails_more(plan, evidence),
        )


def is_cold(evidence: Evidence, worker: str) -> bool:
    """Return whether a version's Python compiles as it runs, so that fresh starts are not warm.

    A run warms each replica for half a minute at least. A pair's windows last for a few seconds.
    """
    entries = heading.seen_of(evidence, worker).values()
    return any(entry.python in COMPILING for entry in entries)


def _cold(plan: GatePlan, evidence: Evidence) -> Iterator[GateFinding]:
    for worker in plan.workers:
        if is_cold(evidence, worker):
            yield GateFinding(
                code=RuleCode.STEADY,
                detail=f"{worker}: its Python compiles as it runs, and a gate's starts are too"
                " fresh to be warm. What was measured is cold code, so no loss of speed is judged"
                " to be a regression. A run (twofold run) warms its replicas.",
                warning=True,
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
            detail=f"{who} took {worst:.1%} of the cores during the windows"
            + (
                ". Both versions lost the same, so the result is less precise but unbiased."
                if worst < CONTENTION_LIMIT_RATIO
                else f" (limit {CONTENTION_LIMIT_RATIO:.0%})."
            ),
            warning=worst < CONTENTION_LIMIT_RATIO,
        )


def _saturation(evidence: Evidence) -> Iterator[GateFinding]:
    """Yield a finding for each worker model whose load may have been too low.

    The median decides here: the question is what limits the versions, not whether every window is
    valid. Windows in which other programs took the CPU are not saturated; another rule covers them.
    """
    for load in evidence.loads:
        throttled_ratios = [
            figures.throttled_ratio
            for pair in evidence.pairs_of(load.worker)
            for window in pair.windows
            if window.mode is Mode.CLOSED
            for figures in (window.base, window.head)
            if figures.throttled_ratio is not None
        ]
        saturated = bool(throttled_ratios) and median(throttled_ratios) >= FULL_THROTTLED_RATIO
        enough = load.gain_ratio is not None and load.gain_ratio < GAIN_LIMIT_RATIO
        if not saturated and not enough:
            yield GateFinding(
                code=RuleCode.NOT_SATURATED,
                detail=f"{load.worker}: with {load.users} users nothing was saturated, and"
                " doubling the users gained more than 5 %, so the load was too low.",
            )
