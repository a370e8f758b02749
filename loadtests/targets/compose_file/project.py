"""Reads a project's Compose files as Compose does, with those that they include and extend.

Rules: docs.docker.com, "Include" and "Extend"; ``loader/include.go`` and ``loader/extends.go`` of
compose-spec/compose-go.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.targets.compose_file import merging, variables
from loadtests.targets.compose_file.interpolation import replaced
from loadtests.targets.compose_file.variables import ENV_FILE, Filled
from loadtests.tools import docker_compose
from loadtests.tools.docker_compose import ComposeFileError

LONGEST_CHAIN = 20
"""More services that extend one another are a circle, which Compose refuses."""


def read(
    names: Sequence[str],
    start: Path,
    folder: Path,
    values: Mapping[str, str],
    seen: frozenset[str] = frozenset(),
) -> Filled:
    """Return the services of Compose files, later ones over earlier ones; places from ``folder``.

    ``names`` are as seen from ``start``; ``values`` are the variables. An ``include`` that leads
    back to a file of ``seen`` is passed over: Compose refuses it. Raises
    :class:`ComposeFileError` for a file that cannot be read, with its name.
    """
    seen |= _places(names, start)
    documents = [_document(start, name) for name in names]
    services: dict[str, Mapping[str, Any]] = {}
    unset: dict[str, tuple[str, ...]] = {}
    for document in documents:
        for entry in _listed(document.get("include")):
            included = _included(entry, folder, values, seen)
            services |= included.services
            unset |= included.unset
    own = merging.merged(documents)
    whole = {name: _extended(own, name, folder, values) for name in own}
    filled = variables.filled(whole, folder, values)
    return Filled(services={**services, **filled.services}, unset={**unset, **filled.unset})


def context_from(context: str, own: Path, folder: Path) -> str:
    """Return what an image is built from as it is named from ``folder``; ``own`` is its file's."""
    if own == folder or _is_elsewhere(context):
        return context
    return os.path.relpath(own / context, folder)


def _is_elsewhere(place: str) -> bool:
    """Tell whether a place is the address of another machine, such as a repository's."""
    return "://" in place or place.startswith("git@")


def _document(start: Path, name: str) -> Mapping[str, Any]:
    try:
        return docker_compose.parse_with_tags((start / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, ComposeFileError) as error:  # its name may be none
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ComposeFileError(f"{name} cannot be read: {reason}.") from error


def _places(names: Sequence[str], start: Path) -> frozenset[str]:
    """Return files by what they are known again by; their names may be any text."""
    return frozenset(os.path.abspath(start / name) for name in names)  # noqa: PTH100  it may raise


def _included(entry: Any, folder: Path, outer: Mapping[str, str], seen: frozenset[str]) -> Filled:
    """Return the services of an entry of ``include``; none of what is on another machine."""
    given = entry if isinstance(entry, Mapping) else {"path": entry}
    names = [replaced(name, outer, {}) for name in _texts(given.get("path"))]
    if not names or any(map(_is_elsewhere, names)) or seen & _places(names, folder):
        return Filled(services={}, unset={})
    own = (folder / names[0]).parent
    if isinstance(place := given.get("project_directory"), str):
        own = folder / replaced(place, outer, {})
    env_files = [str(folder / replaced(name, outer, {})) for name in _texts(given.get("env_file"))]
    values = variables.of_folder(own, outer, env_files or (ENV_FILE,))
    read_there = read(names, folder, own, values, seen)
    moved = {name: _moved(each, own, folder) for name, each in read_there.services.items()}
    return Filled(services=moved, unset=read_there.unset)


def _extended(
    services: Mapping[str, Mapping[str, Any]],
    name: str,
    folder: Path,
    values: Mapping[str, str],
    left: int = LONGEST_CHAIN,
) -> Mapping[str, Any]:
    """Return a service over the one that it extends, and that over its own, and so on."""
    service = services[name]
    extends = service.get("extends")
    given = extends if isinstance(extends, Mapping) else {"service": extends}
    base, file = given.get("service"), given.get("file")
    if not isinstance(base, str) or not isinstance(file, str | None):
        return service
    bases, own = services, folder
    if file is not None:
        place = replaced(file, values, {})
        bases, own = merging.merged([_document(folder, place)]), (folder / place).parent
    if base not in bases or not left:
        return service
    over = {key: value for key, value in service.items() if key != "extends"}
    under = _moved(_extended(bases, base, own, values, left - 1), own, folder)
    return merging.merged({"services": {name: each}} for each in (under, over))[name]


def _moved(service: Mapping[str, Any], own: Path, folder: Path) -> Mapping[str, Any]:
    """Return a service of a file elsewhere, with its places as they are named from ``folder``."""
    if own == folder:
        return service
    moved = dict(service)
    build = {"context": given} if isinstance(given := service.get("build"), str) else given
    if isinstance(build, Mapping):
        moved["build"] = {
            **build,
            "context": context_from(str(build.get("context", ".")), own, folder),
        }
    if "env_file" in service:
        moved["env_file"] = [str(own / path) for path in variables.files_of(service)]
    return moved


def _texts(value: Any) -> Iterator[str]:
    return (each for each in _listed(value) if isinstance(each, str) and each)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
