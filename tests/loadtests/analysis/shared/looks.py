"""Builders of looks at what replicas share, and of trials that have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.tested.shared import LockedFile, SharedUse, StoreSessions
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_trials, make_usage, steady_rps


def sessions(**fields: Any) -> SharedUse:
    """Return a look at one store."""
    defaults: dict[str, Any] = {"member": "db", "connections": 8, "active": 8, "waiting": 0}
    return SharedUse(sessions=(StoreSessions(**defaults | fields),))


def locked(holder: str, path: str = "/srv/shop.db", identity: str = "08:01:77") -> SharedUse:
    """Return a look at which a replica had a file locked."""
    return SharedUse(locked_files=(LockedFile(path=path, identity=identity, holder=holder),))


def looked(
    plan: Plan,
    looks: Callable[[TrialSpec], tuple[SharedUse, ...]],
    *,
    rps: Callable[[TrialSpec], float] = steady_rps,
) -> tuple[Trial, ...]:
    """Return trials of replicas that are hardly busy, with what was seen at their edges."""
    return tuple(
        replace(
            trial,
            shared=looks(trial.spec),
            usages=tuple(
                make_usage(member=f"gthread-{number}", cpu_s=0.05, throttled_ratio=0.0)
                for number in trial.spec.members
            ),
        )
        for trial in make_trials(plan, rps=rps)
    )
