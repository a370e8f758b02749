"""Extra environment variables of replicas, by name pattern. Pure.

They switch on known faults (see ``scripts/zoo/app``), on all replicas or on some.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

Settings = Mapping[str, Mapping[str, str]]
"""Variables by replica name pattern, such as ``*``, ``sync-*`` or ``gthread-2``."""

NO_SETTINGS: Settings = MappingProxyType({})


def settings_of(replica: str, settings: Settings) -> dict[str, str]:
    """Return the variables of one replica; the last matching pattern wins."""
    variables: dict[str, str] = {}
    for pattern, values in settings.items():
        if fnmatchcase(replica, pattern):
            variables |= values
    return variables
