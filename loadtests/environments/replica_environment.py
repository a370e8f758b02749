"""Variables that replicas get beside those that a stack always gives them. Pure.

They are how a known fault is switched on (see ``scripts/zoo/app``), for all replicas or for some.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan

Settings = Mapping[str, Mapping[str, str]]
"""Variables by a pattern of replica names: ``*``, ``sync-*``, ``gthread-2``."""

NO_SETTINGS: Settings = MappingProxyType({})


def settings_of(replica: str, settings: Settings) -> dict[str, str]:
    """Give the variables of one replica; where patterns contradict one another, the later wins."""
    found: dict[str, str] = {}
    for pattern, variables in settings.items():
        if fnmatchcase(replica, pattern):
            found |= variables
    return found


def compose_override(plan: Plan, settings: Settings) -> str:
    """Give a second Compose file that adds the variables to the services of the worker models.

    Raises :class:`UsageError` where the replicas of one model differ: to Compose they are one
    service, several times.
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
    first, *others = replicas
    if any(other != first for other in others):
        raise UsageError(
            "Replicas of one worker model cannot have different variables under Compose."
            " Give them to all (`sync-*`), or use the backend processes."
        )
    return first


def _escaped(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("$", "$$") for name, value in variables.items()}
