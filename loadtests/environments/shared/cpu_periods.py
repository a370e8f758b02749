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

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from loadtests.tools import cgroup, proc
from loadtests.tools.cgroup import PERIOD_US, SHORT_PERIOD_US, Group

PERIOD_S = PERIOD_US / 1_000_000

UNTIL_SHORT_S = 2.5 * PERIOD_S
"""Until a timer that runs has ended its long period, and one of an idle group has stopped."""


def spread_by_model(replicas: Collection[str], group_of: Callable[[str], Group | None]) -> bool:
    """Spread the periods of each worker model's replicas: only those are under load together."""
    models = dict.fromkeys(name.rpartition("-")[0] for name in replicas)
    sets = [[name for name in replicas if name.rpartition("-")[0] == model] for model in models]
    return spread(sets, group_of)


def spread(sets: Sequence[Sequence[str]], group_of: Callable[[str], Group | None]) -> bool:
    """Let the periods of each set's members begin at equal distances from one another.

    Returns False where a group is not seen, or where this user may not set its period.
    """
    names = [name for members in sets for name in members]
    groups = {name: group for name in names if (group := group_of(name)) is not None}
    if len(groups) < len(names):
        return False
    try:
        for group in groups.values():
            cgroup.set_period(group, SHORT_PERIOD_US)
        proc.sleep(UNTIL_SHORT_S)
        for members in sets:
            _begin_in_turn([groups[name] for name in members])
    except OSError:
        for group in groups.values():  # with a short period, its quota would be no limit
            with suppress(OSError):
                cgroup.set_period(group, PERIOD_US)
        return False
    return True


def _begin_in_turn(groups: Sequence[Group]) -> None:
    began_s = proc.monotonic_s()
    for number, group in enumerate(groups):
        proc.sleep(max(0.0, began_s + number * PERIOD_S / len(groups) - proc.monotonic_s()))
        cgroup.set_period(group, SHORT_PERIOD_US)  # starts a timer that has stopped
        cgroup.set_period(group, PERIOD_US)
