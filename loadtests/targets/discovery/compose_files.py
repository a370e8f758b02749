"""Finds the services of a folder's Compose file that may be tested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.model.tested.surroundings import FoundService
from loadtests.targets.compose_file import files, needs, project, stores, variables
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
    try:
        services = _services(folder, names)
        if not named and len(names) > 1 and names[-1] in files.OVERRIDES:
            services = tuple(_by_fewest_files(services, _services(folder, names[:-1])))
    except ComposeFileError as error:
        return (), (str(error),)
    return services, () if services else (f"{files.joined(names)} has no services.",)


def _gone(gone: str, names: Sequence[str], folder: Path) -> str:
    """Return the message on a file that a variable names and that is not there."""
    in_files = ", ".join(variables.env_files(os.environ))
    where = "the shell" if files.COMPOSE_FILE in os.environ else in_files
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


def _services(folder: Path, names: Sequence[str]) -> tuple[FoundService, ...]:
    own = (folder / names[0]).parent
    filled = project.read(names, folder, own, variables.of_folder(own, os.environ))
    services = filled.services
    beside = stores.unneeded(services)
    return tuple(
        FoundService(
            file=files.joined(names),
            name=name,
            context=_context(service.get("build"), own, folder),
            publishes=bool(service.get("ports") or service.get("expose")),
            needs=needs.direct(services, name),
            beside=() if name in beside else beside,
            unset=filled.unset[name],
        )
        for name, service in services.items()
    )


def _context(build: Any, own: Path, folder: Path) -> str | None:
    """Return the folder that an image is built from, as it is named from ``folder``."""
    if not isinstance(build, str | Mapping):
        return None
    context = build if isinstance(build, str) else str(build.get("context", "."))
    return project.context_from(context, own, folder)
