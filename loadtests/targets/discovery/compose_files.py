"""Finds the services of a folder's Compose file that may be tested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.model.tested.surroundings import FoundService
from loadtests.targets.compose_file import files, merging, needs, stores, variables
from loadtests.targets.compose_file.needs import Services
from loadtests.tools import docker_compose
from loadtests.tools.docker_compose import ComposeFileError


def find(
    folder: Path, named: Sequence[str] = ()
) -> tuple[tuple[FoundService, ...], tuple[str, ...]]:
    """Return the services of the Compose file, and notes; the order is the file's own.

    ``named`` are the files to read, later ones over earlier ones; without them, those that Compose
    would read.
    """
    names = tuple(named) or files.chosen(folder, os.environ)
    if not names:
        return (), ()
    gone = next((name for name in names if not files.is_file(folder, name)), None)
    if gone is not None:
        return (), (_gone(gone, names, folder),)
    documents = []
    for name in names:
        try:
            text = (folder / name).read_text(encoding="utf-8")
            documents.append(docker_compose.parse_with_tags(text))
        except (OSError, UnicodeDecodeError, ComposeFileError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            return (), (f"{name} cannot be read: {reason}.",)
    if not any(isinstance(document.get("services"), Mapping) for document in documents):
        return (), (f"{files.joined(names)} has no services.",)
    services = _services(folder, names, documents)
    if not named and len(names) > 1 and names[-1] in files.OVERRIDES:
        without = _services(folder, names[:-1], documents[:-1])
        services = tuple(_by_fewest_files(services, without))
    return services, ()


def _gone(gone: str, names: Sequence[str], folder: Path) -> str:
    """Return the message on a file that a variable names and that is not there."""
    where = "the shell" if files.COMPOSE_FILE in os.environ else variables.ENV_FILE
    return (
        f"No Compose file was read: COMPOSE_FILE is {files.joined(names)}, and there is no {gone}"
        f" in {folder}. Correct COMPOSE_FILE in {where}, or unset it."
    )


def _by_fewest_files(
    services: Sequence[FoundService], without: Sequence[FoundService]
) -> Iterator[FoundService]:
    """Yield the services of a project, without its override where they lack nothing then.

    An override is for development: it mounts the code, and starts a server with a reloader.
    """
    by_name = {service.name: service for service in without}
    for service in services:
        own = by_name.get(service.name, service)
        lacks_nothing = (
            own.context == service.context
            and set(own.needs) >= set(service.needs)
            and set(own.unset) <= set(service.unset)
        )
        yield replace(own, publishes=service.publishes) if lacks_nothing else service


def _services(
    folder: Path, names: Sequence[str], documents: Sequence[Mapping[str, Any]]
) -> tuple[FoundService, ...]:
    project = (folder / names[0]).parent
    filled = variables.filled(merging.merged(documents), project, os.environ)
    services = filled.services
    beside = stores.unneeded(services)
    return tuple(
        FoundService(
            file=files.joined(names),
            name=name,
            context=_context(service.get("build"), project, folder),
            publishes=bool(service.get("ports") or service.get("expose")),
            needs=_needs(services, name),
            beside=() if name in beside else beside,
            unset=filled.unset[name],
        )
        for name, service in services.items()
    )


def _needs(services: Services, name: str) -> tuple[str, ...]:
    """Return what a service names itself, or the one that it extends, which is none of them."""
    extended = services[name].get("extends")
    base = extended.get("service") if isinstance(extended, Mapping) else extended
    others: Services = services if isinstance(base, str) else {}
    named = (*needs.direct(services, name), *needs.direct(others, str(base)))
    return tuple(dict.fromkeys(other for other in named if other not in (name, base)))


def _context(build: Any, project: Path, folder: Path) -> str | None:
    """Return the folder that an image is built from, as it is named from ``folder``."""
    if not isinstance(build, str | Mapping):
        return None
    context = build if isinstance(build, str) else str(build.get("context", "."))
    if project == folder or "://" in context or context.startswith("git@"):
        return context
    return os.path.relpath(project / context, folder)
