"""Did the answers come in equal shares from exactly the planned replicas? PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.intervals import chi_square_chance
from loadtests.analysis.rules import front_share
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.machines import deployment_share
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

SIGNIFICANCE = 0.001
"""Deviations that are less probable than this are not chance. So of cells whose answers are
independent and equally shared, fewer than one in a thousand break the rule."""

SHARE_LIMIT_RATIO = 0.10
"""The deviation of a replica's share from an equal one that is allowed, whatever its cause."""

TRIALS_RATIO = 0.25
"""Share of the trials from which a larger deviation in single trials counts, too."""

TURN_LIMIT = 1
"""Requests of a whole trial by which one replica may be ahead of another: the last turn."""

CODE = RuleCode.REPLICA_SHARE


def replica_share(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that the planned replicas, and no others, answered in equal shares.

    Our balancer is round-robin; a deployment's own need not be. So over a whole trial, no replica
    is ahead of another by more than the last turn and the requests whose replica is unknown. The
    shares of answers inside the windows also depend on what is in flight at the edges: at a slower
    replica requests pile up, though it gets as many. They break the rule where a replica's
    deviation over all trials is larger than the limit, and Pearson's χ² says that this is not
    chance. Unless turns were exact in all of them, a larger deviation in a quarter of the trials
    breaks it, too: a balancer may favour one replica now and another one later.

    The test takes answers as independent. A balancer that deals connections, not requests, makes
    them clustered, and χ² then exceeds chance more often. That is on purpose: the replicas did get
    unequal loads then, and the factor is that of an unequal load.

    Where no answer names its replica, the replicas' CPU tells the shares, if it is known.
    """
    is_deployment = plan.tested.kind is TargetKind.URL
    in_turn = not is_deployment and plan.tested.through is None
    return (
        (_out_of_turn(cell, trials) if in_turn else None)
        or _answered_by_another(cell, trials)
        or front_share.finding(plan.tested.front, cell, trials)
        or (deployment_share.finding(cell, trials) if is_deployment else None)
        or _unequal_shares(cell, trials, in_turn=in_turn)
    )


def _out_of_turn(cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    for trial in trials:
        dealing = trial.dealing
        if dealing is None or dealing.spread <= TURN_LIMIT + dealing.unnamed:
            continue
        counts = dealing.counts
        most = max(counts, key=lambda member: counts[member])
        fewest = min(counts, key=lambda member: counts[member])
        return found(
            CODE,
            cell,
            broken=True,
            figure=dealing.spread,
            limit=TURN_LIMIT + dealing.unnamed,
            detail=f"{trial.spec.id}: {most} got {counts[most]} requests and {fewest} got"
            f" {counts[fewest]}. The proxy takes turns, so all should get the same number.",
        )
    return None


def _answered_by_another(cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    for trial in trials:
        strangers = sorted(set(trial.answers) - set(_members(cell, trial)))
        if strangers:
            return found(
                CODE,
                cell,
                broken=True,
                figure=None,
                limit=SHARE_LIMIT_RATIO,
                detail=f"{trial.spec.id}: {strangers[0]} answered, but is not part of the cell.",
            )
    return None


def _unequal_shares(cell: Cell, trials: Sequence[Trial], *, in_turn: bool) -> Finding:
    statistic, freedom = 0.0, 0
    exact = in_turn and all(trial.dealing and not trial.dealing.unnamed for trial in trials)
    answered: Counter[str] = Counter()
    equal_shares: dict[str, float] = {}
    uneven, counted = 0, 0
    for trial in trials:
        members = _members(cell, trial)
        total = sum(trial.answers.values())
        if not total:
            continue
        equal = total / len(members)
        counts = {member: trial.answers.get(member, 0) for member in members}
        freedom += len(members) - 1
        statistic += sum((count - equal) ** 2 / equal for count in counts.values())
        counted += 1
        worst_ratio = max(abs(count - equal) / equal for count in counts.values())
        uneven += not exact and worst_ratio > SHARE_LIMIT_RATIO
        answered.update(counts)
        for member in members:
            equal_shares[member] = equal_shares.get(member, 0.0) + equal
    if not equal_shares:
        return unchecked(CODE, cell, _uncounted(trials))
    deviations = {
        member: (answered[member] - equal) / equal for member, equal in equal_shares.items()
    }
    worst = max(deviations, key=lambda member: abs(deviations[member]))
    share = _share_finding(cell, worst, deviations[worst], uneven / counted, statistic, freedom)
    return share if in_turn else replace(share, detail=share.detail + _sticking(answered))


def _uncounted(trials: Sequence[Trial]) -> str:
    """Return why no answers could be counted by replica."""
    if any(trial.completed for trial in trials):
        return f"No answer names the replica that gave it. {deployment_share.NAME_THEM}"
    return "There were no answers to count."


def _share_finding(
    cell: Cell, worst: str, deviation: float, uneven_ratio: float, statistic: float, freedom: int
) -> Finding:
    """Return the finding for the replica whose share is furthest from an equal one.

    ``uneven_ratio`` is the share of the trials in which any replica was further off than allowed.
    """
    chance = chi_square_chance(statistic, freedom) if freedom else 1.0
    tested = f"(χ² = {statistic:.1f}, {freedom} degrees of freedom)"
    detail = f"The answers of {worst} deviate by {deviation:+.1%} from an equal share {tested}."
    is_large = abs(deviation) > SHARE_LIMIT_RATIO
    broken = (is_large or uneven_ratio >= TRIALS_RATIO) and chance < SIGNIFICANCE
    if broken and not is_large:
        detail += f" In {uneven_ratio:.0%} of the trials a share deviates by over"
        detail += f" {SHARE_LIMIT_RATIO:.0%}."
    elif is_large and not broken:
        detail += " With so few answers that is chance."
    return found(
        CODE,
        cell,
        broken=broken,
        figure=deviation,
        limit=SHARE_LIMIT_RATIO,
        detail=detail,
    )


def _sticking(answered: Counter[str]) -> str:
    """Return that connections stick to some replicas, where others answered nothing."""
    silent = sorted(member for member, count in answered.items() if not count)
    if not silent:
        return ""
    return (
        f" {', '.join(silent)} answered nothing, so connections stick to the others: look for a"
        " balancer that shares out connections and not requests, or for session affinity."
    )


def _members(cell: Cell, trial: Trial) -> list[str]:
    return [f"{cell.worker}-{number}" for number in trial.spec.members]
