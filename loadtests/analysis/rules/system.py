"""Was it the planned system, with the planned means, and nobody else? PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from loadtests.analysis import bottleneck, estimates
from loadtests.analysis.intervals import chi_square_chance
from loadtests.analysis.rules.finding import covered, found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding, ResourceUse
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Bottleneck, Role, RuleCode
from loadtests.planning.budget import SHARE_OF_CORES

SHARE_LEVEL = 0.001
"""Significance at which a share counts as another than the balancer's rule gives."""

SHARE_LIMIT_RATIO = 0.10
"""By how much a replica's share may differ from the equal one, whatever its significance."""

TURN_LIMIT = 1
"""By how many requests of a whole trial a replica may be ahead of another one: the last turn."""

BUDGET_LIMIT_RATIO = 0.9
"""Part of its budget that a replica gets at least where the kernel holds it to it: measured 0.98 to
1.02 in windows of 2 s. One that is held with less had not the means that were planned."""

LEAST_REQUEST_S = 20e-6
"""CPU time below which no Python server answers a request: the leanest take ten times as much."""

IDLE_LIMIT_RATIO = 0.02
"""Share of its budget that a replica may use while others are measured (design, section 5)."""

DEARER_LIMIT_RATIO = 0.05
"""By how much a request's CPU time may grow with the replicas: half of what "about twice" allows
(measured on one core, budgets of a tenth: 2 to 4 % where requests are loops, 15 % where they are
short and full of framework)."""

CONTENTION_LIMIT_RATIO = 0.05
"""Share of the cores that others may use in the windows: as much again is lost to the system."""


def replica_share(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether the answers came in equal shares from exactly the planned replicas.

    The balancer's rule is taking turns. Over a whole trial that is exact: no replica is ahead of
    another by more than the turn that is not over (and requests of which nobody said who had them).
    Of the answers inside the windows, which depend on what is in flight at the edges: Pearson's χ²
    over all trials of the cell, and the greatest deviation of any replica in all its trials.
    """
    code = RuleCode.REPLICA_SHARE
    for trial in trials:
        dealing = trial.dealing
        if dealing is not None and dealing.spread > TURN_LIMIT + dealing.unnamed:
            most = max(dealing.counts, key=lambda member: dealing.counts[member])
            fewest = min(dealing.counts, key=lambda member: dealing.counts[member])
            return found(
                code,
                cell,
                broken=True,
                figure=dealing.spread,
                limit=TURN_LIMIT + dealing.unnamed,
                detail=f"{trial.spec.id}: {most} got {dealing.counts[most]} requests and {fewest}"
                f" {dealing.counts[fewest]}, where all get one in turn.",
            )
    statistic, freedom = 0.0, 0
    expected: dict[str, float] = {}
    seen: dict[str, int] = {}
    for trial in trials:
        members = [f"{cell.worker}-{number}" for number in trial.spec.members]
        strangers = sorted(set(trial.answers) - set(members))
        if strangers:
            return found(
                code,
                cell,
                broken=True,
                figure=None,
                limit=SHARE_LIMIT_RATIO,
                detail=f"{trial.spec.id}: {strangers[0]} answered and is not of the cell.",
            )
        total = sum(trial.answers.values())
        if not total:
            continue
        equal = total / len(members)
        freedom += len(members) - 1
        for member in members:
            count = trial.answers.get(member, 0)
            statistic += (count - equal) ** 2 / equal
            expected[member] = expected.get(member, 0.0) + equal
            seen[member] = seen.get(member, 0) + count
    if not expected:
        return unchecked(code, cell, "There were no answers to count.")
    off = {member: (seen[member] - expected[member]) / expected[member] for member in expected}
    worst = max(off, key=lambda member: abs(off[member]))
    chance = chi_square_chance(statistic, freedom) if freedom else 1.0
    broken = abs(off[worst]) > SHARE_LIMIT_RATIO or (chance < SHARE_LEVEL)
    return found(
        code,
        cell,
        broken=broken,
        figure=off[worst],
        limit=SHARE_LIMIT_RATIO,
        detail=f"{worst} answered {off[worst]:+.1%} against an equal share"
        f" (χ² = {statistic:.1f}, {freedom} degrees of freedom).",
    )


def idle_cost(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Tell whether the replicas that were not measured used next to nothing."""
    code = RuleCode.IDLE_COST
    idle = [usage for trial in trials for usage in trial.idle_usages if usage.span_s > 0]
    if not idle:
        return unchecked(code, cell, "No other replica's CPU could be read.")
    whole = plan.budget.replica_cpus or 1.0
    ratios: dict[str, list[float]] = {}
    for usage in idle:
        ratios.setdefault(usage.member, []).append(usage.cpu_s / usage.span_s / whole)
    means = {member: fmean(values) for member, values in ratios.items()}
    worst = max(means, key=lambda member: means[member])
    return found(
        code,
        cell,
        broken=means[worst] >= IDLE_LIMIT_RATIO,
        figure=means[worst],
        limit=IDLE_LIMIT_RATIO,
        detail=f"{worst}, which was not in the trial, used {means[worst]:.2%} of its budget.",
    )


def budget(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Tell whether each replica had its budget, and whether all together fit their cores.

    A replica with less than it was planned to have is another system; replicas that use more than
    half of their cores make one another's requests dearer.
    """
    code = RuleCode.BUDGET
    usages = [usage for trial in trials for usage in trial.usages if usage.role is Role.REPLICA]
    if not usages:
        return unchecked(code, cell, "The replicas' CPU cannot be read here.")
    if stopped := _stopped_clock(plan, cell, trials):
        return stopped
    short = _short_of_budget(usages, windows=len(trials))
    if short is not None:
        member, ratio = short
        return found(
            code,
            cell,
            broken=True,
            figure=ratio,
            limit=BUDGET_LIMIT_RATIO,
            detail=f"{member} was held back with {ratio:.0%} of its budget of"
            f" {plan.budget.replica_cpus or 0:g} CPU: it had not the means that were planned.",
        )
    cores = len(plan.budget.replica_cores)
    if not cores:
        return unchecked(code, cell, "The replicas are not bound to cores here.")
    used = cell.replicas * sum(usage.cpu_s for usage in usages) / sum(u.span_s for u in usages)
    ratio = used / cores
    # Quotas are handed out in slices, so what is used may pass what was planned by a little.
    limit = SHARE_OF_CORES * 1.1 if plan.budget.replica_cpus else 1.0
    return found(
        code,
        cell,
        broken=ratio > limit,
        figure=ratio,
        limit=limit,
        detail=f"The replicas together used {used:.2f} of {cores} core(s).",
    )


def _stopped_clock(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Find a CPU counter that cannot be true: then the kernel holds nobody to a budget either.

    Seen on a virtual machine: the scheduler's clock of a core leapt ahead by minutes and stood
    still until time had caught up. Meanwhile counters stay as they are, and quotas are not used up.
    """
    cores = {*plan.budget.replica_cores, *plan.budget.service_cores}
    for trial in trials:
        for usage in trial.usages:
            # What failed may be the proxy's own answer for a replica that was not there.
            own = (usage.completed or 0) - trial.failed
            answers = max(0, own) if usage.role is Role.REPLICA else 0
            used = usage.cpu_s / usage.span_s if usage.span_s > 0 else 0.0
            idle = answers > 0 and usage.cpu_s < LEAST_REQUEST_S * answers
            if idle or (cores and used > len(cores) + 1):
                return found(
                    RuleCode.BUDGET,
                    cell,
                    broken=True,
                    figure=used,
                    limit=float(len(cores)) or None,
                    detail=f"{trial.spec.id}: by its counter {usage.member} used {used:.3f} CPU"
                    + (f" for {answers} answers" if idle else f", of {len(cores)} cores")
                    + ": the kernel's clock was wrong, and with it every budget. Run again.",
                )
    return None


def _short_of_budget(usages: Sequence[Usage], *, windows: int) -> tuple[str, float] | None:
    """Give the replica that was held back furthest below its budget, and what it got of that.

    A replica takes part in some of a cell's windows only. One that is in no more of them than may
    be wrong is left to the cells in which it is more often: there, too, it is short in all.
    """
    got: dict[str, list[float]] = {}
    for usage in usages:
        held = usage.throttled_ratio or 0.0
        if usage.budget_cpus and usage.span_s > 0 and held >= bottleneck.FULL_THROTTLED_RATIO:
            got.setdefault(usage.member, []).append(usage.cpu_s / usage.span_s / usage.budget_cpus)
    spared = covered(windows)
    least = {
        member: sorted(ratios)[spared] for member, ratios in got.items() if len(ratios) > spared
    }
    if not least:
        return None
    member = min(least, key=lambda name: least[name])
    return (member, least[member]) if least[member] < BUDGET_LIMIT_RATIO else None


def dearer(plan: Plan, small: Cell, large: Cell, trials: Sequence[Trial]) -> Finding:
    """Tell whether replicas that share cores made one another's requests dearer.

    Servers of their own share no core, so a loss of this kind is the machine's, not the system's,
    and neither a factor nor a verdict can be had from it. Where every replica has a core of its
    own, dearer requests are the system's doing, and count.

    Beyond doubt means that the whole interval is above the limit. A doubling that falls short needs
    less: there the loss must not be the machine's even by half a chance. One that scales although
    requests grew dearer scales all the more.
    """
    code = RuleCode.BUDGET
    cores = len(plan.budget.replica_cores)
    if large.replicas <= cores:
        return found(
            code,
            large,
            broken=False,
            figure=large.replicas / cores,
            limit=1.0,
            detail=f"{large.replicas} replicas have {cores} cores, so none has to share one.",
        )
    found_trials = estimates.trials_by_cell(trials)
    busy_trials = estimates.trials_by_cell(_of_busy_replicas(trials))
    ratio = estimates.cpu_per_request_ratio(busy_trials.get(large, {}), busy_trials.get(small, {}))
    if ratio.estimate is None or ratio.low is None:
        return unchecked(code, large, "The CPU time of a request is not known in two rounds.")
    use = [use for use in _resources(plan, large, trials) if use.full]
    matters = bool(use) and use[0].kind is Bottleneck.REPLICA_CPU
    growth = ratio.estimate - 1
    factor = estimates.throughput_ratio(found_trials.get(large, {}), found_trials.get(small, {}))
    falls_short = factor.high is not None and factor.high < plan.target
    doubtless = ratio.low - 1 > DEARER_LIMIT_RATIO or (falls_short and ratio.low > 1)
    return found(
        code,
        large,
        broken=matters and growth > DEARER_LIMIT_RATIO and doubtless,
        figure=growth,
        limit=DEARER_LIMIT_RATIO,
        detail=f"A request took {growth:+.1%} CPU at {large.replicas} replicas against"
        f" {small.replicas} [{ratio.low - 1:+.1%}, {(ratio.high or ratio.low) - 1:+.1%}]"
        + (", because they share cores: this machine is too small to tell." if growth > 0 else "."),
    )


def _of_busy_replicas(trials: Sequence[Trial]) -> list[Trial]:
    """Give the trials with those replicas alone whose CPU was used up, where there are any.

    One that has little to do starts cold for each request: beside a full one it took 7 % more for
    one (measured), which no sharing of cores has done to it.
    """
    told = []
    for trial in trials:
        full = tuple(
            usage
            for usage in trial.usages
            if usage.role is Role.REPLICA and bottleneck.is_full(usage)
        )
        told.append(replace(trial, usages=full) if full else trial)
    return told


def _resources(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> tuple[ResourceUse, ...]:
    mine = [trial for trial in trials if trial.spec.cell == cell]
    return bottleneck.resources(plan, cell, mine)


def disturbed(trial: Trial) -> str | None:
    """Give who took CPU in this trial's window where that was too much, else None.

    Never where a process of the generator was lost: measured again, that would not be told.
    """
    if trial.host is None or trial.generator.lost_workers:
        return None
    who, worst = _disturber(trial.host.foreign_ratio, trial.host.steal_ratio)
    return f"{who} took {worst:.1%} of the cores" if worst >= CONTENTION_LIMIT_RATIO else None


def _disturber(foreign: float, steal: float) -> tuple[str, float]:
    return ("Other programs", foreign) if foreign >= steal else ("The host", steal)


def host_contention(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether others, or the machine's own host, took CPU in the windows."""
    code = RuleCode.HOST_CONTENTION
    known = [trial.host for trial in trials if trial.host is not None]
    if not known:
        return unchecked(code, cell, "The machine's CPU counters cannot be read here.")
    who, worst = _disturber(
        fmean(use.foreign_ratio for use in known), fmean(use.steal_ratio for use in known)
    )
    return found(
        code,
        cell,
        broken=worst >= CONTENTION_LIMIT_RATIO,
        figure=worst,
        limit=CONTENTION_LIMIT_RATIO,
        detail=f"{who} took {worst:.1%} of the cores in the windows.",
    )
