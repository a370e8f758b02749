"""Keeps the users of a run below what the connections of the user's own proxy allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from loadtests.environments.protocol import HasFront, Stack
from loadtests.model.plan import Plan
from loadtests.model.tested.front import Front
from loadtests.model.trial import Calibration

PER_USER = 2
"""Connections of a proxy that a request in flight takes: one to the user, one to a replica."""

USABLE_RATIO = 0.9
"""Part of the connections that users may take: listeners and look-ups of names take some, too, and
processes do not share theirs evenly."""

Key = tuple[str, str]
"""A worker model and a workload."""


def bounded(
    plan: Plan, stack: Stack, calibrations: Mapping[Key, Calibration], steps: Mapping[str, int]
) -> tuple[dict[Key, Calibration], tuple[str, ...]]:
    """Return the calibrations with as many users as the proxy has connections for, and notes.

    ``steps`` has the number of which a workload's users are a multiple, where it is not 1. Nothing
    changes without a proxy of the user's, or where its connections are not known.
    """
    front = stack.look_at_front() if isinstance(stack, HasFront) else None
    if front is None or front.connections is None:
        return dict(calibrations), ()
    most = max(plan.replica_counts)
    room = int(front.connections * USABLE_RATIO) // PER_USER // most
    kept: dict[Key, Calibration] = {}
    notes = []
    for key, calibration in calibrations.items():
        step = steps.get(calibration.workload, 1)
        users = max(step, room // step * step)
        kept[key] = calibration
        if users < calibration.users_per_replica:
            kept[key] = replace(calibration, users_per_replica=users)
            notes.append(_note(front, calibration, users, most))
    return kept, tuple(notes)


def _note(front: Front, calibration: Calibration, users: int, most: int) -> str:
    return (
        f"{front.service} has {front.connections} connections (worker_connections of all its"
        f" processes), and each user takes {PER_USER}. So {calibration.worker} on"
        f" {calibration.workload} gets {users} users a replica, {users * most} at {most}, instead"
        f" of {calibration.users_per_replica}. If replicas are not full then, raise"
        " worker_connections."
    )
