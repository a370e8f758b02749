"""Were a server's worker processes replaced while it was measured, by the server itself? PURE.

The rule ``identity`` asks that nothing changes. A server that recycles its workers, or that follows
the load with their number, changes by design: it is told as what it is. While a worker is recycled,
a look may see one more or one fewer: granian starts the new one first, gunicorn ends the old one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mode

from loadtests.analysis import estimates
from loadtests.analysis.rules import run
from loadtests.analysis.rules.finding import found
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, RuleState

_PROCESS = re.compile(r"\d+(@\S*)?")
"""A process id, on the processes backend with its start time."""

Workers = frozenset[str]
"""The process ids of a replica's workers at one look."""

SAME_SHARE_RATIO = 1.5
"""How many times as many recycles one window of a cell may have as another. At most a half more of
something that is itself a part of the window moves a throughput by less than replicas differ."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Worker processes of one replica between two looks: how many there were, are, and are new."""

    member: str
    before: int
    after: int
    new: int


def identity(plan: Plan, trials: Sequence[Trial]) -> Finding:
    """Check that every member stayed the same, or that its workers change equally in all windows.

    A first process or a container that changed breaks the rule, as in ``run.identity``.
    """
    finding = run.identity(plan, trials)
    if finding.state is not RuleState.BROKEN:
        return finding
    changes = _changes(plan, trials)
    if not changes:
        return finding
    followers = _following_the_load(trials, {each.member for of in changes.values() for each in of})
    growing = next(
        (
            each
            for of in changes.values()
            for each in of
            if each.before != each.after and each.member in followers
        ),
        None,
    )
    if growing is not None:
        return _broken(
            figure=growing.after,
            limit=growing.before,
            detail=f"The number of worker processes of {growing.member} followed the load:"
            f" {growing.before}→{growing.after}. Fix the number (uWSGI: leave its setting"
            " cheaper out), or warm up.",
        )
    return _recycled(trials, changes)


def _following_the_load(trials: Sequence[Trial], members: Collection[str]) -> set[str]:
    """Return the members whose number of workers changed by itself, and not by a recycled worker.

    ``members`` are replicas whose workers changed.
    """
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    return {
        member
        for member in members
        if _follows_the_load(
            [frozenset(_split(trial.identities.get(member, ""))[1]) for trial in in_time]
        )
    }


def _follows_the_load(looks: Sequence[Workers]) -> bool:
    """Return whether workers came or went without replacing one another.

    ``looks`` are a replica's workers at each look, in time. Other than the usual number of them is
    a recycle if the workers behind it are no longer those before it. It is none if two looks in a
    row saw the same workers.
    """
    usual = mode(map(len, looks))
    has_recycled = len({look for look in looks if len(look) == usual}) > 1
    grouped = [list(of) for _, of in itertools.groupby(looks, key=lambda look: len(look) == usual)]
    for place, group in enumerate(grouped):
        if len(group[0]) == usual:
            continue
        if any(first == second for first, second in itertools.pairwise(group)):
            return True
        if place in {0, len(grouped) - 1}:  # nobody saw what was before it, or behind it
            is_recycle = has_recycled
        else:
            is_recycle = grouped[place - 1][-1] != grouped[place + 1][0]
        if not is_recycle:
            return True
    return False


def _recycled(trials: Sequence[Trial], changes: Mapping[str, Sequence[_Change]]) -> Finding:
    counts = {name: sum(each.new for each in of) for name, of in changes.items()}
    total, windows = sum(counts.values()), sum(count > 0 for count in counts.values())
    member = next(each.member for of in changes.values() for each in of if each.new)
    told = (
        f"The server replaced {total} worker processes itself, in {windows} of {len(counts)} trials"
        f" (first those of {member}). gunicorn does so after max_requests, granian after its"
        " workers-lifetime, and both where a worker was killed."
    )
    for cell, by_round in estimates.trials_by_cell(trials).items():
        ids = [trial.spec.id for trial in by_round.values()]
        of_cell = [counts[name] for name in ids if name in counts] or [0]
        if max(of_cell) > SAME_SHARE_RATIO * min(of_cell):
            return _broken(
                figure=max(of_cell),
                limit=SAME_SHARE_RATIO * min(of_cell),
                detail=f"{told} Trials of {cell} had from {min(of_cell)} to {max(of_cell)} of them,"
                " so they are not alike. Measure with max_requests = 0 (granian: without"
                " workers-lifetime), or so low that every window has many.",
            )
    return found(
        RuleCode.IDENTITY,
        None,
        broken=False,
        figure=total,
        limit=None,
        detail=f"{told} Every trial of a cell had about as many.",
    )


def _broken(*, figure: float, limit: float, detail: str) -> Finding:
    return found(RuleCode.IDENTITY, None, broken=True, figure=figure, limit=limit, detail=detail)


def _changes(plan: Plan, trials: Sequence[Trial]) -> dict[str, list[_Change]] | None:
    """Return the changed replicas of each trial; None where more than their workers changed.

    The first trial has none: nobody looked before it.
    """
    names = {worker.name for worker in plan.workers}
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    changes: dict[str, list[_Change]] = {}
    for before, after in itertools.pairwise(in_time):
        changes[after.spec.id] = []
        for member in sorted({*before.identities, *after.identities}):
            first, second = before.identities.get(member, ""), after.identities.get(member, "")
            if first == second:
                continue
            change = _change(member, first, second)
            if change is None or member.rpartition("-")[0] not in names:
                return None
            changes[after.spec.id].append(change)
    return changes


def _change(member: str, before: str, after: str) -> _Change | None:
    first, workers_before = _split(before)
    second, workers_after = _split(after)
    if not first or first != second:
        return None
    return _Change(
        member=member,
        before=len(workers_before),
        after=len(workers_after),
        new=len(set(workers_after) - set(workers_before)),
    )


def _split(identity: str) -> tuple[list[str], list[str]]:
    """Return what names a replica (its container, or its first process), and its workers' ids."""
    words = identity.split()
    processes = [word for word in words if _PROCESS.fullmatch(word)]
    container = [word for word in words if not _PROCESS.fullmatch(word)]
    return (container, processes) if container else (processes[:1], processes[1:])
