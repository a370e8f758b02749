"""Reads the user's Compose file by Compose itself, and names the first thing that is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.environments.compose.tested.compose_file.builds import builder_of
from loadtests.environments.compose.tested.compose_file.mounts import parse
from loadtests.environments.compose.tested.compose_file.service_project import subject_of
from loadtests.environments.compose.tested.subject import Subject, tag_of
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target
from loadtests.targets.compose_file import merging, stores
from loadtests.targets.compose_file.needs import needed
from loadtests.tools import docker_compose, temporary
from loadtests.tools.docker_compose import Compose, ComposeFileError, Configured

SET_BY_A_RUN = ("container_name", "ports", "restart", "profiles", "scale")
"""Settings that a run leaves out anyway; a mistake in them need not stop it."""

OF_A_BUILDER = ("image", "build", "platform")
"""Settings of a service that is not started, but builds the image of one that is."""

EXAMPLES = (".env.example", ".env.sample", ".env.dist", ".env.template", "env.example")


def read(compose: Compose, tested: Target) -> Subject:
    """Return a service of a Compose file with what it needs.

    Raises :class:`UsageError` with the first cause, the file, and the way out.
    """
    assert tested.compose_file is not None
    assert tested.service is not None
    path = Path(tested.compose_file)
    paths = (path, *map(Path, tested.overrides))
    raw = _whole([_raw(file) for file in paths])
    configured, note = _configured(compose, paths, raw, tested.service, tested.through)
    try:
        subject = subject_of(
            configured.document,
            tested.service,
            tag=tag_of(path),
            through=tested.through,
            files=_single_files(configured.document),
        )
        _check_files(configured.document, subject)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    unset = _unset(raw, configured, subject)
    notes = [*subject.notes, *note, *_not_started(configured.document, subject)]
    if unset:
        notes.append(
            f"Without a value, so empty: {', '.join(unset)} ({_environment_file(path.parent)})."
        )
    return replace(subject, notes=tuple(notes), unset=unset)


def _not_started(document: Mapping[str, Any], subject: Subject) -> Iterator[str]:
    """Yield a sentence on stores of the file that the service may need without saying so."""
    beside = [name for name in stores.unneeded(document["services"]) if name in subject.others]
    if beside:
        listed = ", ".join(beside)
        yield (
            f"Not started, since nothing says that {subject.measured.name} needs it: {listed}."
            f" If it does, say so by depends_on: [{listed}]."
        )


def _raw(path: Path) -> Mapping[str, Any]:
    try:
        return docker_compose.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8.") from error
    except ComposeFileError as error:
        raise UsageError(f"{path} is no Compose file: {error}") from error


def _whole(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what several files say together, or the only one as it is."""
    if len(documents) == 1:
        return documents[0]
    settings = {key: value for document in documents for key, value in document.items()}
    return {**settings, "services": merging.merged(documents)}


def _configured(
    compose: Compose,
    paths: Sequence[Path],
    raw: Mapping[str, Any],
    service: str,
    through: str | None,
) -> tuple[Configured, list[str]]:
    """Return files as Compose reads them; of one that it refuses, what the service needs."""
    path = paths[0]
    try:
        return docker_compose.configured(compose, paths, path.parent, _profiles(raw)), []
    except ComposeFileError as error:
        services = raw.get("services")
        if len(paths) > 1 or not isinstance(services, Mapping) or service not in services:
            raise UsageError(_refusal(compose, path, error)) from error
        first = error
    only = _only(raw, service, through)
    with temporary.folder("compose") as folder:
        reduced = folder / path.name
        reduced.write_text(json.dumps(only, default=str), encoding="utf-8")
        try:
            configured = docker_compose.configured(compose, [reduced], path.parent, _profiles(only))
        except ComposeFileError as error:
            raise UsageError(_refusal(compose, path, error)) from error
    others = ", ".join(sorted(set(raw["services"]) - set(only["services"])))
    without = f" without {others}" if others else ""
    note = f"Compose refuses {path.name}; it was read{without}, and without what a run sets itself:"
    document = _with_settings(configured.document, raw)
    return replace(configured, document=document), [f"{note} {str(first).rstrip('.')}."]


def _refusal(compose: Compose, path: Path, error: ComposeFileError) -> str:
    hint = ""
    if compose.version.startswith("1."):
        hint = (
            f" Read by docker-compose {compose.version}: the Compose plugin knows newer settings."
        )
    if "variable" in str(error) or ".env" in str(error):
        hint += f" Note: {_environment_file(path.parent)}."
    return f"Compose cannot use {path}: {str(error).rstrip('.')}.{hint}"


def _environment_file(folder: Path) -> str:
    if (folder / ".env").exists():
        return f"not in {folder / '.env'}"
    example = next((name for name in EXAMPLES if (folder / name).exists()), None)
    remedy = f"; copy {example} to it" if example else ""
    return f"there is no {folder / '.env'}{remedy}"


def _profiles(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all profiles of a file: whoever names a service wants it, whatever its profile."""
    services = raw.get("services")
    if not isinstance(services, Mapping):
        return ()
    names = (
        str(profile)
        for definition in services.values()
        if isinstance(definition, Mapping)
        for profile in definition.get("profiles") or ()
    )
    included = ("*",) if raw.get("include") else ()  # whose profiles are in other files
    return (*dict.fromkeys(names), *included)


def _only(raw: Mapping[str, Any], service: str, through: str | None) -> dict[str, Any]:
    """Return a file with one service and what it needs, without what a run sets itself.

    ``through`` is the proxy in front of it, if there is one.
    """
    services = {
        name: definition
        for name, definition in raw["services"].items()
        if isinstance(definition, Mapping)
    }
    wanted = {service, *needed(services, service)}
    if through is not None and through in services:
        wanted |= {through, *needed(services, through)}
    kept = {}
    for name, definition in services.items():
        if name in wanted:
            kept[name] = {
                key: value for key, value in definition.items() if key not in SET_BY_A_RUN
            }
            if isinstance(deploy := definition.get("deploy"), Mapping):
                kept[name]["deploy"] = {
                    key: value for key, value in deploy.items() if key == "resources"
                }
    for name in sorted(wanted):
        builder = builder_of(services, name)
        if builder is not None and builder not in kept:
            kept[builder] = {
                key: services[builder][key] for key in OF_A_BUILDER if key in services[builder]
            }
    return {**raw, "services": kept}


def _single_files(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the sources of mounts that are no folders; one that is not there becomes a folder."""
    sources = {
        parse(entry).source
        for definition in (document.get("services") or {}).values()
        for entry in (definition or {}).get("volumes") or ()
    }
    return frozenset(
        source
        for source in sources
        if os.path.exists(source) and not os.path.isdir(source)  # noqa: PTH110, PTH112  they raise
    )


def _check_files(document: Mapping[str, Any], subject: Subject) -> None:
    """Raise for a secret or config whose file is missing: an engine would make a folder of it."""
    for part in subject.parts:
        for kind in ("secrets", "configs"):
            for entry in document["services"][part.name].get(kind) or ():
                source = entry["source"] if isinstance(entry, Mapping) else entry
                file = (document[kind][source] or {}).get("file")
                if file and not Path(file).is_file():
                    raise UsageError(
                        f"The {kind.removesuffix('s')} {source} of {part.name} is the file {file},"
                        " and there is no such file."
                    )


def _with_settings(document: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Compose printed, with the settings that it did not see: they are told."""
    services = {}
    for name, definition in document["services"].items():
        written = raw["services"].get(name) or {}  # it may come from an included file
        services[name] = {
            **{key: written[key] for key in SET_BY_A_RUN if written.get(key)},
            **definition,
            "deploy": {**(written.get("deploy") or {}), **(definition.get("deploy") or {})},
        }
    return {**document, "services": services}


def _unset(raw: Mapping[str, Any], configured: Configured, subject: Subject) -> tuple[str, ...]:
    """Return the variables without a value that the started services use."""
    services = raw.get("services")
    used = (
        json.dumps([services.get(part.name) for part in subject.parts], default=str)
        if isinstance(services, Mapping)
        else ""
    )
    return tuple(name for name in configured.unset if f"${{{name}" in used or f"${name}" in used)
