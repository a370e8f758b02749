"""The connections of a store: used, wanted and what the next doubling would need. PURE.

Each replica opens connections of its own, so twice the replicas want twice as many. A server has a
fixed number of them, and refuses the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.model.result import ResourceUse
from loadtests.model.tested.shared import StoreSessions
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck, Role


@dataclass(frozen=True, kw_only=True)
class Connections:
    """The connections of one store: the most that one replica had, and what the server has.

    ``most`` counts those that its clients can have: PostgreSQL keeps some for superusers.
    """

    member: str
    per_replica: int
    used: int
    most: int

    def wanted(self, replicas: int) -> int:
        """Return what so many replicas want together."""
        return replicas * self.per_replica


def of(trials: Sequence[Trial]) -> Connections | None:
    """Return the connections of the store that is nearest to its limit; None if nothing is known.

    Where clients have no address of their own, all connections at the fewest replicas are divided
    by these. Behind a pooler, no client is a replica, and what each wants is not known. The sample
    application's own store grows with the plan, so it is left out.
    """
    by_store: dict[str, list[tuple[int, StoreSessions]]] = {}
    for trial in trials:
        for look in trial.shared:
            for seen in look.sessions:
                if seen.member != Role.STORE:
                    entry = (trial.spec.cell.replicas, seen)
                    by_store.setdefault(seen.member, []).append(entry)
    found = [_of_store(member, seen) for member, seen in by_store.items()]
    known = [connections for connections in found if connections is not None]
    return max(known, key=lambda each: each.per_replica / each.most, default=None)


def _of_store(member: str, seen: Sequence[tuple[int, StoreSessions]]) -> Connections | None:
    most = next((look.most for _, look in seen if look.most), None)
    reserved = max(look.reserved for _, look in seen)
    if most is None or most <= reserved:
        return None
    named = [count for _, look in seen for count in look.by_replica.values()]
    if not named and any(look.elsewhere for _, look in seen):
        return None
    fewest = min(replicas for replicas, _ in seen)
    alone = max(look.connections for replicas, look in seen if replicas == fewest)
    return Connections(
        member=member,
        per_replica=max(named) if named else -(-alone // fewest),
        used=max(look.connections for _, look in seen),
        most=most - reserved,
    )


def kept_by_idle(trials: Sequence[Trial], member: str) -> int:
    """Return the most connections of a store that replicas had that the load did not ask.

    Of the trials with the fewest replicas. 0 where clients have no address of their own.
    """
    fewest = min(trial.spec.cell.replicas for trial in trials)
    kept = [
        sum(count for name, count in seen.by_replica.items() if name not in _asked(trial))
        for trial in trials
        if trial.spec.cell.replicas == fewest
        for look in trial.shared
        for seen in look.sessions
        if seen.member == member
    ]
    return max(kept, default=0)


def _asked(trial: Trial) -> set[str]:
    return {f"{trial.spec.cell.worker}-{number}" for number in trial.spec.members}


def use(trials: Sequence[Trial], replicas: int, known: Connections | None) -> ResourceUse | None:
    """Return what a cell wants of the store's connections; None where that is not known."""
    if known is None or not trials or not known.per_replica:
        return None
    wanted = known.wanted(replicas)
    return ResourceUse(
        kind=Bottleneck.CONNECTIONS,
        name=f"connections of {known.member}",
        used_ratio=wanted / known.most,
        full_ratio=1.0,
        full=wanted > known.most,
        detail=f"{wanted} of the {known.most} connections of {known.member} were wanted,"
        f" {known.per_replica} for each replica",
    )


def refused(known: Connections | None, replicas: int) -> str:
    """Return how many connections were used and wanted, as the end of a clause; "" if unknown."""
    if known is None or not known.per_replica:
        return ""
    used = min(known.used, known.most)
    wanted = known.wanted(replicas)
    if wanted <= known.most:
        return f": {used} of {known.most} in use"
    return (
        f": {used} of {known.most} in use, {wanted} wanted ({known.per_replica} for each of"
        f" {replicas} replicas)"
    )
