"""Did each replica have its planned CPU, and did replicas leave one another's CPU alone? PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis import bottleneck, estimates
from loadtests.analysis.rules.finding import covered, found, unchecked
from loadtests.analysis.rules.machines import deployment_cores
from loadtests.analysis.samples import PERIOD_S
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate, Finding
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleCode
from loadtests.planning.budget import MOST_USED_SHARE

BUDGET_LIMIT_RATIO = 0.9
"""Least part of its budget that a throttled replica must get. The kernel gives 0.98 to 1.02 in
windows of 2 s; a replica with less than 0.9 did not have the planned CPU."""

LEAST_REQUEST_S = 20e-6
"""CPU time below which no Python server answers a request: the leanest take ten times as much."""

LEAST_ANY_REQUEST_S = 2e-6
"""CPU time below which no server at all answers a request: two system calls and the network's part
take more. nginx takes 10 µs for a small file."""

COST_LIMIT_RATIO = 0.05
"""Largest allowed growth of CPU per request with the replicas: half of the loss that the target of
1.8 allows. On one core with budgets of a tenth it is 2 to 4 % for requests that are loops, and 15 %
for short ones that are mostly framework."""

MOST_OF_SHARED_CORES_RATIO = 0.18
"""The most that shared cores were ever seen to add to a request's CPU, with budgets of four fifths
of a core; with today's budgets it was 15 % ("Replicas that share a core" in
``docs/measurements.md``). What certainly grows by more does so by itself. It was 54 % where the CPU
periods of replicas began together, so where these are not spread, nothing is certain."""

TOGETHER = (
    "Their CPU periods may begin together, which alone makes a request dearer by up to half. Run"
    " Twofold as root, which lets it spread them."
)

CODE = RuleCode.BUDGET


def budget(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that each replica had its budget, and that all together fit their cores.

    A replica with less CPU than planned is another system. Replicas that use more than half of
    their cores raise one another's CPU per request. So all together may use 55 % of them at most
    (``MOST_USED_SHARE``), also where requests wait and budgets may add up to 80 %.
    """
    usages = [usage for trial in trials for usage in trial.usages if usage.role is Role.REPLICA]
    if not usages:
        return unchecked(CODE, cell, _unread(plan, trials))
    if wrong_counter := _wrong_counter(plan, cell, trials):
        return wrong_counter
    short = _short_of_budget(usages, windows=len(trials))
    if short is not None:
        member, ratio = short
        return found(
            CODE,
            cell,
            broken=True,
            figure=ratio,
            limit=BUDGET_LIMIT_RATIO,
            detail=f"{member} was throttled at {ratio:.0%} of its budget of"
            f" {plan.budget.replica_cpus or 0:g} CPU, so it had less CPU than planned.",
        )
    cores = plan.budget.separate_cores
    if not plan.budget.replica_cores:
        why = _uncounted(trials) or "The replicas are not pinned to cores here."
        return unchecked(CODE, cell, why)
    used = cell.replicas * sum(usage.cpu_s for usage in usages) / sum(u.span_s for u in usages)
    ratio = used / cores
    limit = MOST_USED_SHARE if plan.budget.replica_cpus else 1.0
    return found(
        CODE,
        cell,
        broken=ratio > limit,
        figure=ratio,
        limit=limit,
        detail=f"The replicas together used {used:.2f} of {cores} core(s).",
    )


def _uncounted(trials: Sequence[Trial]) -> str | None:
    """Return which replicas a hook left out when it read their CPU, in a sentence."""
    seen = (trial.deployment.uncounted for trial in trials if trial.deployment is not None)
    return next(filter(None, seen), None)


def _unread(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return why there is no CPU of any replica."""
    if left_out := _uncounted(trials):
        return left_out
    if plan.tested.hooks is not None and plan.tested.hooks.counters:
        return (
            "The hook 'counters' took over 5 % of a window, so what it read of the replicas' CPU"
            " does not count."
        )
    return "The replicas' CPU cannot be read here."


def _wrong_counter(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Find a CPU counter that cannot be true: then the kernel enforces no budget either.

    On virtual machines a core's scheduler clock can leap ahead by minutes and stand still until
    time has caught up. Meanwhile CPU counters stand still, and no quota is used up.
    """
    if plan.tested.kind is TargetKind.URL:
        return None  # it may be no server in Python, and its counters are the user's
    cores = {*plan.budget.replica_cores, *plan.budget.service_cores}
    for trial in trials:
        for usage in trial.usages:
            # A failed request may be the proxy's own answer for a replica that was not there.
            succeeded = (usage.completed or 0) - trial.failed
            answers = max(0, succeeded) if usage.role is Role.REPLICA else 0
            used = usage.cpu_s / usage.span_s if usage.span_s > 0 else 0.0
            too_little = answers > 0 and usage.cpu_s < _least_request_s(plan, cell) * answers
            if too_little or (cores and used > len(cores) + 1):
                basis = f"for {answers} answers" if too_little else f"on {len(cores)} cores"
                return found(
                    CODE,
                    cell,
                    broken=True,
                    figure=used,
                    limit=float(len(cores)) or None,
                    detail=f"{trial.spec.id}: by its counter, {usage.member} used {used:.3f} CPU"
                    f" {basis}. The kernel's clock was wrong, and with it every budget. Run again.",
                )
    return None


def _least_request_s(plan: Plan, cell: Cell) -> float:
    """Return the least CPU of a request; what an image starts by itself may be no Python."""
    as_started = any(model.as_started for model in plan.workers if model.name == cell.worker)
    return LEAST_ANY_REQUEST_S if as_started else LEAST_REQUEST_S


def _short_of_budget(usages: Sequence[Usage], *, windows: int) -> tuple[str, float] | None:
    """Return the throttled replica furthest below its budget, and the share of it that it got.

    A replica takes part in some windows of a cell only. One with no more windows than may be wrong
    is not judged here; it is short in its other cells, too.
    """
    shares: dict[str, list[float]] = {}
    for usage in usages:
        throttled = usage.throttled_ratio or 0.0
        if usage.budget_cpus and usage.span_s > 0 and throttled >= bottleneck.FULL_THROTTLED_RATIO:
            share = usage.cpu_s / _wanted_s(usage) / usage.budget_cpus
            shares.setdefault(usage.member, []).append(share)
    allowed = covered(windows)
    least = {
        member: sorted(ratios)[allowed]
        for member, ratios in shares.items()
        if len(ratios) > allowed
    }
    if not least:
        return None
    member = min(least, key=lambda name: least[name])
    return (member, least[member]) if least[member] < BUDGET_LIMIT_RATIO else None


def _wanted_s(usage: Usage) -> float:
    """Return for how long a throttled replica wanted CPU, in seconds.

    The kernel counts no periods in which nobody wanted any, but for the first one. A replica that
    others kept from its CPU wanted it, so its periods are counted.
    """
    if not usage.periods:
        return usage.span_s
    return min(usage.span_s, usage.periods * PERIOD_S)


def costlier_requests(plan: Plan, small: Cell, large: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that replicas which share cores did not raise one another's CPU per request.

    Replicas on separate servers share no core, so such a loss comes from this machine, not from the
    system, and neither factor nor verdict would be true. Where every replica has a core of its own,
    costlier requests are a property of the system, and count.

    The rule is broken where the whole interval is above the limit. Where the doubling falls short,
    an interval above zero is enough: the loss could then come from this machine. It is not broken
    where the whole interval is above ``MOST_OF_SHARED_CORES_RATIO``: the system itself grows dearer
    then, and its loss stands; but not where the replicas' CPU periods may begin together. A
    doubling whose factor would be called ``scales`` all the same contradicts that, and stays
    without a verdict.
    """
    if plan.tested.kind is TargetKind.URL and not plan.budget.replica_cores:
        return deployment_cores.of_deployment(plan, small, large, trials)
    if (unshared := _unshared(plan, large)) is not None:
        return unshared
    busy_trials = estimates.trials_by_cell(_of_saturated_replicas(trials))
    ratio = estimates.cpu_per_request_ratio(busy_trials.get(large, {}), busy_trials.get(small, {}))
    if ratio.estimate is None or ratio.low is None:
        return unchecked(CODE, large, "CPU per request is not known in two rounds.")
    growth = ratio.estimate - 1
    by_cell = estimates.trials_by_cell(trials)
    factor = estimates.throughput_ratio(by_cell.get(large, {}), by_cell.get(small, {}))
    full = bottleneck.replica_cpu_is_full(plan, large, trials)
    by_itself = full and _grows_by_itself(plan, ratio, factor)
    certain = full and growth > COST_LIMIT_RATIO and _is_certain(plan, ratio, factor)
    broken = certain and not by_itself
    return found(
        CODE,
        large,
        broken=broken,
        figure=growth,
        limit=COST_LIMIT_RATIO,
        detail=f"CPU per request changed by {growth:+.1%}"
        f" [{ratio.low - 1:+.1%}, {(ratio.high or ratio.low) - 1:+.1%}] from {small.replicas} to"
        f" {large.replicas} replicas{_origin(plan, broken=broken, by_itself=by_itself)}",
    )


def _origin(plan: Plan, *, broken: bool, by_itself: bool) -> str:
    """Return the end of the finding's sentence: whose doing the change is, where that counts."""
    if by_itself:
        return (
            f", more than the {MOST_OF_SHARED_CORES_RATIO:.0%} that shared cores add at the most."
            " The system itself grows dearer, so the loss is its own."
        )
    if not broken:
        return "."
    if plan.budget.periods_spread is False:
        return f", which share cores. {TOGETHER}"
    too_small = "This machine is too small"
    if not plan.budget.replica_cores:
        too_small = "The cores are too few"
    return f", which share cores. {too_small} for a verdict."


def _unshared(plan: Plan, cell: Cell) -> Finding | None:
    """Return a finding where no two replicas share a core."""
    cores = plan.budget.separate_cores
    if plan.budget.share_cores(cell.replicas):
        return None
    apart = plan.budget.replicas_apart
    return found(
        CODE,
        cell,
        broken=False,
        figure=None if apart else cell.replicas / cores,
        limit=None if apart else 1.0,
        detail="Each machine has a core for each of its replicas, so no two share a core."
        if apart
        else f"{cell.replicas} replicas have {cores} cores, so no two share a core.",
    )


def _is_certain(plan: Plan, ratio: Estimate, factor: Estimate) -> bool:
    falls_short = factor.high is not None and factor.high < plan.target
    growth_low = (ratio.low or 0.0) - 1
    return growth_low > COST_LIMIT_RATIO or (falls_short and growth_low > 0)


def _grows_by_itself(plan: Plan, ratio: Estimate, factor: Estimate) -> bool:
    scales = factor.low is not None and factor.low >= plan.target
    may_overlap = plan.budget.periods_spread is False
    return (ratio.low or 0.0) - 1 > MOST_OF_SHARED_CORES_RATIO and not scales and not may_overlap


def _of_saturated_replicas(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials with only those replicas that used their CPU up, where there are any.

    A replica with little to do starts every request with cold caches. That costs about 7 % more
    CPU per request, and has nothing to do with shared cores. Where no answer names its replica,
    nobody knows which requests were whose, and all replicas stay.
    """
    reduced = []
    for trial in trials:
        if not any(trial.answers.values()):
            reduced.append(trial)
            continue
        saturated = tuple(
            usage
            for usage in trial.usages
            if usage.role is Role.REPLICA and bottleneck.is_full(usage)
        )
        reduced.append(replace(trial, usages=saturated) if saturated else trial)
    return reduced
