"""Finds the services of a folder's Compose file that may be tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.model.tested.surroundings import FoundService
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
        return tuple(_services(name, services)), ()
    return (), ()


def _services(file: str, services: Mapping[str, Any]) -> Iterator[FoundService]:
    for name, service in services.items():
        if not isinstance(service, Mapping):
            continue
        needs = [*_names(service.get("depends_on")), *_names(service.get("links"))]
        yield FoundService(
            file=file,
            name=str(name),
            context=_context(service.get("build")),
            publishes=bool(service.get("ports") or service.get("expose")),
            needs=tuple(dict.fromkeys(need.partition(":")[0] for need in needs)),
        )


def _context(build: Any) -> str | None:
    if isinstance(build, str):
        return build
    if isinstance(build, Mapping):
        return str(build.get("context", "."))
    return None


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | Mapping) else []
