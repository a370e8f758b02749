"""Spreads the CPU periods of replicas that share cores, so that no two use their budgets at once.

The kernel hands out a budget in periods of 100 ms: a saturated replica of 0.1 CPU works for 10 ms,
then it waits for its next period. When a period begins is chance: since Linux 6.3 a random moment,
before that the same one for all groups. Two replicas whose periods begin together push each other
off the core again and again, and a request costs both of them up to half as much again.

A group's timer moves by whole periods from where it is (``start_cfs_bandwidth`` and
``sched_cfs_period_timer`` in ``kernel/sched/fair.c``). So with a short period for a while, it
stands within a millisecond of now when the usual one is set again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

from loadtests.tools import cgroup, proc
from loadtests.tools.cgroup import PERIOD_US, SHORT_PERIOD_US, Group

PERIOD_S = PERIOD_US / 1_000_000

SetPeriod = Callable[[str, int], None]
"""Sets the period of a replica's quota, in microseconds; the quota stays."""

UNTIL_SHORT_S = 2.5 * PERIOD_S
"""Until a timer that runs has ended its long period, and one of an idle group has stopped."""


def spread_by_model(replicas: Collection[str], group_of: Callable[[str], Group | None]) -> bool:
    """Spread the periods of each worker model's replicas; see :func:`spread`."""
    return spread(by_model(replicas), group_of)


def by_model(replicas: Collection[str]) -> list[list[str]]:
    """Return the sets of replicas that are under load together: those of each worker model."""
    models = dict.fromkeys(name.rpartition("-")[0] for name in replicas)
    return [[name for name in replicas if name.rpartition("-")[0] == model] for model in models]


def spread(sets: Sequence[Sequence[str]], group_of: Callable[[str], Group | None]) -> bool:
    """Let the periods of each set's members begin at equal distances from one another.

    Returns False where a group is not seen, or where this user may not set its period.
    """
    names = [name for members in sets for name in members]
    groups = {name: group for name in names if (group := group_of(name)) is not None}
    if len(groups) < len(names):
        return False
    try:
        _spread(sets, lambda name, us: cgroup.set_period(groups[name], us), periods_apart=0)
    except OSError:
        for group in groups.values():  # with a short period, its quota would be no limit
            with suppress(OSError):
                cgroup.set_period(group, PERIOD_US)
        return False
    return True


def spread_by_calls(sets: Sequence[Sequence[str]], set_period: SetPeriod) -> None:
    """Do the same by an engine's calls, where this user may not write the kernel's files.

    A call takes 10 to 50 ms, which may be longer than the distance, so each replica has a period
    of its own to begin in. How exact that is, nobody sees.
    """
    _spread(sets, set_period, periods_apart=1)


def _spread(sets: Sequence[Sequence[str]], set_period: SetPeriod, *, periods_apart: int) -> None:
    for members in sets:
        for name in members:
            set_period(name, SHORT_PERIOD_US)
    proc.sleep(UNTIL_SHORT_S)
    began_s = proc.monotonic_s()
    for at_s, name in sorted(_moments(sets, periods_apart=periods_apart)):
        proc.sleep(max(0.0, began_s + at_s - proc.monotonic_s()))
        set_period(name, SHORT_PERIOD_US)  # starts a timer that has stopped
        set_period(name, PERIOD_US)


def _moments(sets: Sequence[Sequence[str]], *, periods_apart: int) -> Iterator[tuple[float, str]]:
    """Yield when each member's period is to begin, in seconds from the first.

    All sets begin at once, except where each member needs periods of its own.
    """
    set_s = 0.0
    for members in sets:
        apart_s = PERIOD_S * (periods_apart + 1 / len(members))
        for number, name in enumerate(members):
            yield set_s + number * apart_s, name
        set_s += periods_apart * len(members) * apart_s
