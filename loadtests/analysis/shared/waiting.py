"""What requests waited for in what all replicas share: a lock of the store, a lock on a file. PURE.

Both are seen by looks from outside, two in each trial. A lock that limits a cell is held nearly all
the time, and who wants it waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from loadtests.model.result import ResourceUse
from loadtests.model.tested.shared import SharedUse, StoreSessions
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck

FULL_WAITING_RATIO = 0.5
"""Share of the active sessions that wait for a lock from which the lock is what limits a cell: then
more requests wait for it than are at work anywhere in the store."""

FULL_LOCKED_RATIO = 0.5
"""Share of the looks at which a file is locked from which its lock limits a cell. Who waits for
SQLite's lock sleeps between two tries, so that the file is free for a part of the time."""


def store_locks(trials: Sequence[Trial]) -> ResourceUse | None:
    """Return the share of a store's active sessions that waited for a lock; None without looks."""
    by_store: dict[str, list[StoreSessions]] = {}
    for look in _looks(trials):
        for seen in look.sessions:
            if seen.has_locks:
                by_store.setdefault(seen.member, []).append(seen)
    uses = [_locks_of(member, seen) for member, seen in by_store.items()]
    return max(uses, key=lambda use: use.used_ratio, default=None)


def _locks_of(member: str, seen: Sequence[StoreSessions]) -> ResourceUse:
    busy = [look for look in seen if look.active]
    ratio = fmean(look.waiting / look.active for look in busy) if busy else 0.0
    waiting = fmean(look.waiting for look in seen)
    active = fmean(look.active for look in seen)
    full = ratio >= FULL_WAITING_RATIO and len(busy) * 2 >= len(seen)
    name = "PostgreSQL" if member == "store" else f"the service {member}"
    lock, statement = _commonest(seen)
    told = f" ({statement})" if statement else ""
    advice = "; more servers will not change that" if full else ""
    return ResourceUse(
        kind=Bottleneck.STORE,
        name=f"locks of {name.removeprefix('the service ')}",
        used_ratio=ratio,
        full_ratio=FULL_WAITING_RATIO,
        full=full,
        detail=f"{waiting:.1f} of {active:.1f} active sessions of {name} waited for a {lock}"
        f"{told}{advice}",
    )


def _commonest(seen: Sequence[StoreSessions]) -> tuple[str, str]:
    told = Counter((look.lock, look.statement) for look in seen if look.lock)
    lock, statement = told.most_common(1)[0][0] if told else ("lock", "")
    return lock or "lock", statement


def file_lock(trials: Sequence[Trial]) -> ResourceUse | None:
    """Return how often the file that was locked most was locked, of those that replicas share.

    None without a look, or where no two replicas had one file locked, each at its own time.
    """
    looks = _looks(trials)
    locked = Counter(
        identity
        for look in looks
        for identity in {file.identity for file in look.locked_files} & _of_several(looks)
    )
    if not locked:
        return None
    identity, count = locked.most_common(1)[0]
    path = next(
        file.path for look in looks for file in look.locked_files if file.identity == identity
    )
    full = count / len(looks) >= FULL_LOCKED_RATIO
    advice = ". One process at a time can write it, and more servers will not change that"
    return ResourceUse(
        kind=Bottleneck.FILE_LOCK,
        name="file lock",
        used_ratio=count / len(looks),
        full_ratio=FULL_LOCKED_RATIO,
        full=full,
        detail=f"{path} was locked by a replica at {count} of {len(looks)} looks"
        f"{advice if full else ''}",
    )


def _of_several(looks: Sequence[SharedUse]) -> frozenset[str]:
    """Return the files that more than one replica had locked."""
    holders: dict[str, set[str]] = {}
    for look in looks:
        for file in look.locked_files:
            holders.setdefault(file.identity, set()).add(file.holder)
    return frozenset(identity for identity, members in holders.items() if len(members) > 1)


def holds_back(trials: Sequence[Trial]) -> bool:
    """Return whether a lock that replicas share limits these trials.

    A replica that waits for it answers nothing and does no work, though nothing paused it.
    """
    uses = (store_locks(trials), file_lock(trials))
    return any(use is not None and use.full for use in uses)


def _looks(trials: Sequence[Trial]) -> list[SharedUse]:
    return [look for trial in trials for look in trial.shared]
