"""Did the answers come in equal shares from exactly the planned replicas? PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadtests.analysis.intervals import chi_square_chance
from loadtests.analysis.rules import front_share
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

SIGNIFICANCE = 0.001
"""A share whose deviation is less probable than this counts as unequal."""

SHARE_LIMIT_RATIO = 0.10
"""The largest allowed deviation of a replica's share from an equal one, whatever its chance."""

TURN_LIMIT = 1
"""Requests of a whole trial by which one replica may be ahead of another: the last turn."""

CODE = RuleCode.REPLICA_SHARE


def replica_share(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that the planned replicas, and no others, answered in equal shares.

    Our balancer is round-robin; a deployment's own need not be. So over a whole trial, no replica
    is ahead of another by more than the last turn and the requests whose replica is unknown. The
    shares of answers inside the windows also depend on what is in flight at the edges. They are
    tested by Pearson's χ² over all trials of the cell, and by the largest deviation of any replica
    over its trials.
    """
    in_turn = plan.tested.kind is not TargetKind.URL and plan.tested.through is None
    return (
        (_out_of_turn(cell, trials) if in_turn else None)
        or _answered_by_another(cell, trials)
        or front_share.finding(plan.tested.front, cell, trials)
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
    answered: Counter[str] = Counter()
    equal_shares: dict[str, float] = {}
    for trial in trials:
        members = _members(cell, trial)
        total = sum(trial.answers.values())
        if not total:
            continue
        equal = total / len(members)
        freedom += len(members) - 1
        for member in members:
            count = trial.answers.get(member, 0)
            statistic += (count - equal) ** 2 / equal
            equal_shares[member] = equal_shares.get(member, 0.0) + equal
            answered[member] += count
    if not equal_shares:
        return unchecked(CODE, cell, "There were no answers to count.")
    deviations = {
        member: (answered[member] - equal) / equal for member, equal in equal_shares.items()
    }
    worst = max(deviations, key=lambda member: abs(deviations[member]))
    deviation = deviations[worst]
    chance = chi_square_chance(statistic, freedom) if freedom else 1.0
    return found(
        CODE,
        cell,
        broken=abs(deviation) > SHARE_LIMIT_RATIO or chance < SIGNIFICANCE,
        figure=deviation,
        limit=SHARE_LIMIT_RATIO,
        detail=f"The answers of {worst} deviate by {deviation:+.1%} from an equal share"
        f" (χ² = {statistic:.1f}, {freedom} degrees of freedom)."
        + ("" if in_turn else _sticking(answered)),
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
