"""Fills in the variables of a Compose file as Compose does, without Compose.

Values come from this process and from the folder's ``.env``. The way of writing them is documented
at docs.docker.com ("Interpolation").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.targets.compose_file.needs import Services, environment_of

ENV_FILE = ".env"

_USED = re.compile(
    r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<word>[^{}]*))?\})"
)
_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*"
    r"(?:'(?P<raw>[^'\n]*)'|\"(?P<quoted>[^\"\n]*)\"|(?P<bare>[^\n]*?))"
    r"(?:[ \t]+#[^\n]*)?[ \t\r]*$",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The services of a file with their variables filled in, also from their files of variables.

    ``unset`` are for each service the names in its environment that have no value.
    """

    services: Services
    unset: Mapping[str, tuple[str, ...]]


def filled(services: Services, folder: Path, environ: Mapping[str, str]) -> Filled:
    """Return the services of a Compose file in a folder; what cannot be read has no value."""
    values = {**_file(folder / ENV_FILE, environ), **environ}
    made: dict[str, Mapping[str, Any]] = {}
    unset: dict[str, tuple[str, ...]] = {}
    for name, definition in services.items():
        missing: dict[str, None] = {}
        own: dict[str, str] = {}
        for path in files_of(definition):
            own |= _file(folder / _text(path, values, {}), values)
        for variable, given in environment_of(definition).items():
            if given is not None:
                own[variable] = _text(given, values, missing)
            elif variable in values:
                own[variable] = values[variable]
        made[name] = {**_all(definition, values), "environment": own}
        unset[name] = tuple(missing)
    return Filled(services=made, unset=unset)


def _all(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _text(value, values, {})
    if isinstance(value, Mapping):
        return {key: _all(inner, values) for key, inner in value.items()}
    return [_all(inner, values) for inner in value] if isinstance(value, list) else value


def _text(text: str, values: Mapping[str, str], missing: dict[str, None]) -> str:
    """Return a text with its variables filled in; note in ``missing`` those without a value."""

    def value(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"]
        if name is None:
            return "$"
        how, word = match["how"] or "", match["word"] or ""
        known = values.get(name)
        is_set = bool(known) if how.startswith(":") else known is not None
        if how.endswith("+"):
            return word if is_set else ""
        if is_set and known is not None:
            return known
        if not how.endswith("-"):
            missing[name] = None
            return ""
        return word

    return _USED.sub(value, text)


def files_of(definition: Mapping[str, Any]) -> Iterator[str]:
    """Give the paths of a service's files of variables, as they are written."""
    given = definition.get("env_file")
    for entry in given if isinstance(given, list | tuple) else (given,):
        path = entry.get("path") if isinstance(entry, Mapping) else entry
        if isinstance(path, str) and path:
            yield path


def _file(path: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file; none where it is not there or cannot be read."""
    read: dict[str, str] = {}
    text = ""
    with suppress(OSError, ValueError):  # no path
        if path.is_file():  # and neither a pipe nor a device, which may never end
            text = path.read_text(encoding="utf-8", errors="replace")
    for match in _LINE.finditer(text):
        written = match["quoted"] or match["bare"] or ""
        value = _text(written, {**read, **values}, {}) if match["raw"] is None else match["raw"]
        read[match["name"]] = value
    return read
