"""Merges the services of several Compose files as Compose does: later ones win.

Rules: docs.docker.com, "Merge"; ``override/merge.go`` of compose-spec/compose-go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from loadtests.targets.compose_file.needs import environment_of
from loadtests.tools.docker_compose import RESET, Tagged, untagged

REPLACED = ("command", "entrypoint")
"""Settings of a service that are not merged."""

BY_NAME = ("depends_on", "networks")
"""Settings that are a list or a table of the same names."""

LISTS = ("env_file", "dns", "tmpfs")
"""Settings that are a list, or its only entry."""


def merged(documents: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the services of Compose files, as ``docker_compose.parse_with_tags`` reads them."""
    made: dict[str, Any] = {}
    for document in documents:
        services = document.get("services")
        if isinstance(services, Mapping):
            made = _table(made, {str(name): value for name, value in services.items()}, _service)
    return {name: service for name, service in made.items() if isinstance(service, Mapping)}


def _table(
    base: Mapping[str, Any], over: Mapping[str, Any], both: Callable[[str, Any, Any], Any]
) -> dict[str, Any]:
    made = dict(base)
    for name, value in over.items():
        if isinstance(value, Tagged) and value.tag == RESET:
            made.pop(name, None)
        elif isinstance(value, Tagged) or name not in made:
            made[name] = untagged(value)
        else:
            made[name] = both(name, made[name], value)
    return made


def _service(_: str, base: Any, over: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return _table(base, over, _setting)
    return base if over is None else untagged(over)


def _setting(name: str, base: Any, over: Any) -> Any:
    if name in REPLACED:
        return untagged(over)
    return _value(name, _as_table_or_list(name, base), _as_table_or_list(name, over))


def _value(_: str, base: Any, over: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return _table(base, over, _value)
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *untagged(over)]
    return base if over is None else untagged(over)


def _as_table_or_list(name: str, value: Any) -> Any:
    """Return a setting in the longer of its forms, in which both files' values can be merged."""
    if name == "build" and isinstance(value, str):
        return {"context": value}
    if name == "environment" and isinstance(value, list):
        return environment_of({name: value})
    if name in BY_NAME and isinstance(value, list):
        return {str(entry): None for entry in value}
    return [value] if name in LISTS and isinstance(value, str) else value
