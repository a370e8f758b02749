"""Fills in the variables of a Compose file as Compose does, without Compose.

Values come from this process and from files of variables: ``.env``, or those of COMPOSE_ENV_FILES.
Rules: docs.docker.com, "Pre-defined environment variables".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.targets.compose_file import dotenv
from loadtests.targets.compose_file.interpolation import replaced
from loadtests.targets.compose_file.needs import Services, environment_of

ENV_FILE = ".env"
ENV_FILES = "COMPOSE_ENV_FILES"


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The services of a file with their variables filled in, also from their files of variables.

    ``unset`` are for each service the names in its environment that have no value.
    """

    services: Services
    unset: Mapping[str, tuple[str, ...]]


def env_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files of variables that Compose reads for a project, later ones over earlier."""
    named = (name.strip() for name in environ.get(ENV_FILES, "").split(","))
    return tuple(filter(None, named)) or (ENV_FILE,)


def of_folder(
    folder: Path, environ: Mapping[str, str], names: Sequence[str] | None = None
) -> dict[str, str]:
    """Return the variables that Compose has in a folder: those of files, and the process's.

    The files are ``names``, or else those of :func:`env_files`.
    """
    values: dict[str, str] = {}
    for name in env_files(environ) if names is None else names:
        values = dotenv.parse(_text(folder / name), environ, values)
    return {**values, **environ}


def filled(services: Services, folder: Path, values: Mapping[str, str]) -> Filled:
    """Return the services of a Compose file in a folder; what cannot be read has no value.

    ``values`` are the variables, as :func:`of_folder` has them.
    """
    made: dict[str, Mapping[str, Any]] = {}
    unset: dict[str, tuple[str, ...]] = {}
    for name, definition in services.items():
        missing: dict[str, None] = {}
        own: dict[str, str] = {}
        for variable, given in environment_of(definition).items():
            if given is not None:
                own[variable] = replaced(given, values, missing)
            elif variable in values:
                own[variable] = values[variable]
        in_files: dict[str, str] = {}
        for path in files_of(definition):
            file = folder / replaced(path, values, {})
            in_files = dotenv.parse(_text(file), {**own, **values}, in_files)
        made[name] = {**_all(definition, values), "environment": {**in_files, **own}}
        unset[name] = tuple(missing)
    return Filled(services=made, unset=unset)


def _all(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return replaced(value, values, {})
    if isinstance(value, Mapping):
        return {key: _all(inner, values) for key, inner in value.items()}
    return [_all(inner, values) for inner in value] if isinstance(value, list) else value


def files_of(definition: Mapping[str, Any]) -> Iterator[str]:
    """Give the paths of a service's files of variables, as they are written."""
    given = definition.get("env_file")
    for entry in given if isinstance(given, list | tuple) else (given,):
        path = entry.get("path") if isinstance(entry, Mapping) else entry
        if isinstance(path, str) and path:
            yield path


def _text(path: Path) -> str:
    """Return the text of a file of variables; none where it is not there or cannot be read."""
    with suppress(OSError, ValueError):  # no path
        if path.is_file():  # and neither a pipe nor a device, which may never end
            return path.read_text(encoding="utf-8-sig", errors="replace")
    return ""
