"""Extra environment variables for replicas, for all of them or by name. Pure.

They switch on known faults (``app/faults.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan

Settings = Mapping[str, Mapping[str, str]]
"""Variables by pattern of replica names: ``*``, ``sync-*``, ``gthread-2``."""

NO_SETTINGS: Settings = MappingProxyType({})


def settings_of(replica: str, settings: Settings) -> dict[str, str]:
    """Return the variables of one replica; later patterns override earlier ones."""
    merged: dict[str, str] = {}
    for pattern, variables in settings.items():
        if fnmatchcase(replica, pattern):
            merged |= variables
    return merged


def compose_override(plan: Plan, settings: Settings) -> str:
    """Return a Compose override file that adds the variables to the worker models' services.

    Raises :class:`UsageError` if the replicas of one model have different variables: to Compose
    they are containers of one service.
    """
    numbers = range(1, plan.replica_counts[-1] + 1)
    services = {
        worker.name: {
            "environment": _escaped(
                _common(settings_of(f"{worker.name}-{number}", settings) for number in numbers)
            )
        }
        for worker in plan.workers
    }
    return json.dumps({"services": services}, indent=1)  # JSON is YAML


def _common(replicas: Iterable[dict[str, str]]) -> dict[str, str]:
    first, *rest = replicas
    if any(variables != first for variables in rest):
        raise UsageError(
            "Under Compose, all replicas of a worker model must have the same variables."
            " Set them for all (`sync-*`), or use --backend processes."
        )
    return first


def _escaped(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("$", "$$") for name, value in variables.items()}
