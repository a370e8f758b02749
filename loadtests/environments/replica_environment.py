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


IMPORT_PATH = "PYTHONPATH"
"""The one variable that adds up: the places of the harness, of a variant and of the user."""


def joined_places(*places: str | None) -> str:
    """Return lists of places to import from as one, each once and in this order."""
    return ":".join(dict.fromkeys(filter(None, places)))


def settings_of(replica: str, settings: Settings) -> dict[str, str]:
    """Return the variables of one replica; the last matching pattern wins."""
    variables: dict[str, str] = {}
    for pattern, values in settings.items():
        if fnmatchcase(replica, pattern):
            variables |= values
    return variables
