"""Which services of a Compose file another one needs.

It reads both a file as it was written and what Compose prints of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Services = Mapping[str, Mapping[str, Any]]

_NAMES_A_HOST = re.compile(
    r"host|server|addr|broker|endpoint|ur[il]|node|cache|redis", re.IGNORECASE
)
"""Variables whose whole value may be a service's name; ``FLASK_APP=web`` is none."""


def needed(services: Services, service: str) -> tuple[str, ...]:
    """Return the services that one needs, and those that these need, in the order of the file."""
    wanted: set[str] = set()
    waiting = [service]
    while waiting:
        for name in direct(services, waiting.pop()):
            if name not in wanted and name in services and name != service:
                wanted.add(name)
                waiting.append(name)
    return tuple(name for name in services if name in wanted)


def direct(services: Services, service: str) -> tuple[str, ...]:
    """Return what a service names itself: dependencies, links, and hosts in its settings."""
    definition = services.get(service) or {}
    named = [*_listed(definition.get("depends_on"))]
    named += [str(link).partition(":")[0] for link in _listed(definition.get("links"))]
    named += [str(name).partition(":")[0] for name in _listed(definition.get("volumes_from"))]
    for key in ("network_mode", "pid", "ipc"):
        mode = str(definition.get(key) or "")
        if mode.startswith("service:"):
            named.append(mode.partition(":")[2])
    extends = definition.get("extends")
    if isinstance(extends, Mapping) and not extends.get("file"):
        extends = extends.get("service")
    if isinstance(extends, str):
        named.append(extends)
    hosts = {
        host: name for name in services if name != service for host in hosts_of(services, name)
    }
    named += [name for host, name in hosts.items() if _mentions(definition, host)]
    return tuple(dict.fromkeys(named))


def hosts_of(services: Services, service: str) -> tuple[str, ...]:
    """Return the names by which a service is reached: its own and its aliases."""
    definition = services.get(service) or {}
    names = [service]
    names += [str(definition[key]) for key in ("container_name", "hostname") if definition.get(key)]
    networks = definition.get("networks")
    for network in networks.values() if isinstance(networks, Mapping) else ():
        if isinstance(network, Mapping):
            names += map(str, _listed(network.get("aliases")))
    return tuple(dict.fromkeys(names))


def environment_of(definition: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a service's variables; None is one that is taken from Compose's own environment."""
    given = definition.get("environment")
    if isinstance(given, Mapping):
        return {str(name): _text(value) for name, value in given.items()}
    pairs = (str(line).partition("=") for line in _listed(given))
    return {name: value if equals else None for name, equals, value in pairs}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    """Return a list, the keys of a table, or a text alone; nothing for a mistake in the file."""
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, list | tuple | Mapping) else []


def _mentions(definition: Mapping[str, Any], host: str) -> bool:
    """Tell whether a service's variables or command name a host."""
    name = re.escape(host)
    pattern = re.compile(
        rf"(?://|@){name}(?=[:/?,]|$)"  # redis://cache/0, user:password@db
        rf"|(?:^|[\s,;=]){name}:\d+"  # db:5432, kafka-1:9092,kafka-2:9092
        rf"|\b(?:host|server|addr)\w*={name}(?=[\s;]|$)",  # host=db user=shop
        re.IGNORECASE,
    )
    for variable, value in environment_of(definition).items():
        if value and (pattern.search(value) or (value == host and _NAMES_A_HOST.search(variable))):
            return True
    return any(pattern.search(word) for word in _words(definition))


def _words(definition: Mapping[str, Any]) -> Iterator[str]:
    for key in ("command", "entrypoint"):
        yield from map(str, _listed(definition.get(key)))
