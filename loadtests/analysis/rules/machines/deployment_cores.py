"""Do a deployment's replicas compete for the cores of one machine? PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadtests.analysis import estimates
from loadtests.analysis.nodes.use import replicas_of
from loadtests.analysis.rules.finding import covered, found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

ONE_CORE_CPUS = 0.8
"""No machine has fewer cores than one, so replicas that use less than this have found no end."""

UNKNOWN = (
    "Whether the deployment's replicas share cores is not known. Let 'replicas' print the node of"
    " each after its name and a tab: node=NAME."
)


def of_deployment(plan: Plan, small: Cell, large: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that a deployment's replicas did not share a machine's cores without CPU limits.

    How many cores a node has is not known. So where nothing holds each replica to a part of them,
    a doubling that falls short may have found the end of the node's cores, and not of the system.
    """
    own = [trial for trial in trials if trial.spec.cell == large]
    if not own:
        return unchecked(RuleCode.BUDGET, large, "No trial of this cell was finished.")
    shared = _shared_nodes(own)
    is_placed = all(map(_is_placed, own))
    where = _where_shared(plan, shared, windows=len(own), is_placed=is_placed)
    if where is None and is_placed:
        return found(
            RuleCode.BUDGET,
            large,
            broken=False,
            figure=None,
            limit=None,
            detail="Each replica was on a node of its own in"
            f" {len(own) - len(shared)} of {len(own)} windows.",
        )
    if where is None:
        return unchecked(RuleCode.BUDGET, large, UNKNOWN)
    used = _cpus_used(own)
    if is_placed and used is not None and used < ONE_CORE_CPUS:
        return found(
            RuleCode.BUDGET,
            large,
            broken=False,
            figure=used,
            limit=ONE_CORE_CPUS,
            detail=f"{where}, and all of them together used {used:.2f} CPU at the most.",
        )
    return _of_shared(plan, small, large, trials, where, _without_limit(own))


def _of_shared(
    plan: Plan,
    small: Cell,
    large: Cell,
    trials: Sequence[Trial],
    where: str,
    unlimited: Sequence[str],
) -> Finding:
    """Check replicas of which several share a machine; of those ``unlimited`` no limit is known."""
    if not unlimited:
        return unchecked(
            RuleCode.BUDGET,
            large,
            f"{where}, each with a CPU limit. Whether the limits leave each its part of the cores"
            " is not known.",
        )
    by_cell = estimates.trials_by_cell(trials)
    factor = estimates.throughput_ratio(by_cell.get(large, {}), by_cell.get(small, {}))
    competing = f"{where}, and no CPU limit of {unlimited[0]} is known"
    if factor.high is None or factor.high >= plan.target:
        return unchecked(
            RuleCode.BUDGET, large, f"{competing}, so whether they share cores is not known."
        )
    return found(
        RuleCode.BUDGET,
        large,
        broken=True,
        figure=factor.estimate,
        limit=plan.target,
        detail=f"{competing}: from {small.replicas} to {large.replicas} replicas they may have"
        " competed for its cores. Give each replica a CPU limit, and let 'counters' print it"
        " (limit=0.5), or a node of its own.",
    )


def _where_shared(
    plan: Plan, shared: Sequence[str], *, windows: int, is_placed: bool
) -> str | None:
    """Return which machine several replicas of a cell share, in a clause; None: not known of any.

    Placement may differ from round to round, and a few windows are covered by the interval. Where
    each replica's node is known, that counts: what is on this machine may be a balancer alone.
    """
    if plan.tested.shares_machine and not is_placed:
        return "The replicas share this machine"
    return f"Replicas share the node {shared[0]}" if len(shared) > covered(windows) else None


def _shared_nodes(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Return the node with the most replicas of each window in which several were on one."""
    return tuple(
        node
        for trial in trials
        if trial.deployment is not None
        for node, replicas in Counter(trial.deployment.nodes.values()).most_common(1)
        if replicas > 1
    )


def _is_placed(trial: Trial) -> bool:
    """Return whether the node of each replica of a trial is known."""
    return trial.deployment is not None and {*replicas_of(trial)} <= {*trial.deployment.nodes}


def _cpus_used(trials: Sequence[Trial]) -> float | None:
    """Return the CPU that all replicas of a window used together, at the most; None: not known."""
    used = []
    for trial in trials:
        own = {usage.member: usage for usage in trial.usages if usage.span_s > 0}
        if not {*replicas_of(trial)} <= {*own}:
            return None
        used.append(sum(own[name].cpu_s / own[name].span_s for name in replicas_of(trial)))
    return max(used, default=None)


def _without_limit(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Return the replicas of which no window told a CPU limit, sorted."""
    limited = {usage.member for trial in trials for usage in trial.usages if usage.budget_cpus}
    return tuple(sorted({name for trial in trials for name in replicas_of(trial)} - limited))
