"""Finds the services of a folder's Compose file that may be tested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.model.tested.surroundings import FoundService
from loadtests.targets.compose_file import needs, stores, variables
from loadtests.targets.compose_file.needs import Services
from loadtests.tools import docker_compose
from loadtests.tools.docker_compose import ComposeFileError

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def find(folder: Path) -> tuple[tuple[FoundService, ...], tuple[str, ...]]:
    """Return the services of the Compose file, and notes; the order is the file's own."""
    for name in NAMES:
        if not (folder / name).is_file():
            continue
        try:
            document = docker_compose.parse((folder / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ComposeFileError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            return (), (f"{name} cannot be read: {reason}.",)
        services = document.get("services")
        if not isinstance(services, Mapping):
            return (), (f"{name} has no services.",)
        written = {
            str(service): definition
            for service, definition in services.items()
            if isinstance(definition, Mapping)
        }
        return tuple(_services(name, variables.filled(written, folder, os.environ))), ()
    return (), ()


def _services(file: str, filled: variables.Filled) -> Iterator[FoundService]:
    services = filled.services
    beside = stores.unneeded(services)
    for name, service in services.items():
        yield FoundService(
            file=file,
            name=name,
            context=_context(service.get("build")),
            publishes=bool(service.get("ports") or service.get("expose")),
            needs=_needs(services, name),
            beside=() if name in beside else beside,
            unset=filled.unset[name],
        )


def _needs(services: Services, name: str) -> tuple[str, ...]:
    """Return what a service names itself, or the one that it extends, which is none of them."""
    extended = services[name].get("extends")
    base = extended.get("service") if isinstance(extended, Mapping) else extended
    others: Services = services if isinstance(base, str) else {}
    named = (*needs.direct(services, name), *needs.direct(others, str(base)))
    return tuple(dict.fromkeys(other for other in named if other not in (name, base)))


def _context(build: Any) -> str | None:
    if isinstance(build, str):
        return build
    if isinstance(build, Mapping):
        return str(build.get("context", "."))
    return None
