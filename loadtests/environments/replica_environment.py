"""Variables that replicas get beside those that a stack always gives them. Pure.

They are how a known fault is switched on (see ``scripts/zoo/app``), for all replicas or for some.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

Settings = Mapping[str, Mapping[str, str]]
"""Variables by a pattern of replica names: ``*``, ``sync-*``, ``gthread-2``."""

NO_SETTINGS: Settings = MappingProxyType({})


def settings_of(replica: str, settings: Settings) -> dict[str, str]:
    """Give the variables of one replica; where patterns contradict one another, the later wins."""
    variables: dict[str, str] = {}
    for pattern, given in settings.items():
        if fnmatchcase(replica, pattern):
            variables |= given
    return variables
