"""Builders of trials by what was saturated in them."""

from __future__ import annotations

from typing import Any

from loadtests.model.tested.shared import LockedFile, SharedUse, StoreSessions
from loadtests.model.trial import GeneratorHealth, HostUse
from loadtests.model.vocabulary import Bottleneck, Role
from tests.loadtests.builders import make_usage


def saturating(kind: Bottleneck) -> dict[str, Any]:
    """Return the fields of a trial in whose window only one resource was saturated."""
    idle = make_usage(cpu_s=0.1, throttled_ratio=0.1)
    busy = {"span_s": 2.5, "budget_cpus": None, "throttled_ratio": None, "completed": None}
    members = {
        Bottleneck.REPLICA_CPU: (make_usage(),),
        Bottleneck.PROXY: (idle, make_usage(member="proxy", role=Role.PROXY, cpu_s=2.2, **busy)),
        Bottleneck.STORE: (
            idle,
            make_usage(member="store", role=Role.STORE, cpu_s=0.49, budget_cpus=0.2),
        ),
    }
    fields: dict[str, Any] = {"usages": members.get(kind, (idle,))}
    if kind is Bottleneck.WORKER_SLOTS:
        fields |= {"service_ms": 152.0}
    if kind is Bottleneck.GENERATOR:
        fields |= {"generator": GeneratorHealth(cpu_ratio=0.97, lag_p99_ms=30.0, lag_max_ms=90.0)}
    if kind is Bottleneck.CONNECTIONS:
        sessions = StoreSessions(
            member="db", connections=20, active=8, waiting=0, by_replica={"gthread-1": 24}, most=20
        )
        fields |= {"shared": (SharedUse(sessions=(sessions,)),)}
    if kind is Bottleneck.FILE_LOCK:
        fields |= {"shared": tuple(_locked(f"gthread-{number}") for number in (1, 2))}
    if kind is Bottleneck.HOST:
        fields |= {"host": HostUse(steal_ratio=0.02, foreign_ratio=0.30)}
    return fields


def _locked(holder: str) -> SharedUse:
    """Return a look at which one replica had the file locked that all of them share."""
    file = LockedFile(path="/srv/shop.db", identity="08:01:77", holder=holder)
    return SharedUse(locked_files=(file,))
