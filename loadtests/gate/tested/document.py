"""The Compose file of a gate's stack with the versions of a user's own target."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.environments.compose.lanes import LANES
from loadtests.environments.compose.tested import document as tested_document
from loadtests.environments.compose.tested.hidden import PREFIX as VALUE_PREFIX
from loadtests.environments.compose.tested.hidden import Hidden
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested.prepared import Prepared
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.tools import docker_compose
from loadtests.tools.docker import MEMBER_LABEL

FILE = "gate.services.json"
"""The Compose file of the whole stack, in the gate's folder. JSON is valid YAML."""

OUR_SERVICES = ("proxy", "generator", "metronome")


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """The limits of what has none of its own: a start, and a service that it needs."""

    start_bytes: int
    beside_bytes: int


def document(
    root: Path,
    prepared: Mapping[SideName, Prepared],
    models: Mapping[SideName, WorkerModel],
    *,
    lanes: int,
    memory_bytes: int,
    beside_bytes: int,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the Compose file of a stack, and the values of the variables in it.

    Each version has a network, stores, volumes and configs of its own. ``memory_bytes`` limits a
    start whose definition has no limit, and ``beside_bytes`` what it needs. Raises
    :class:`UsageError` for secrets that differ.
    """
    ours = docker_compose.parse((root / "compose/gate.yaml").read_text(encoding="utf-8"))
    stack: dict[str, Any] = {
        "services": {name: ours["services"][name] for name in OUR_SERVICES},
        "networks": ours["networks"],
        "volumes": {},
        "secrets": {},
        "configs": {},
    }
    values: dict[str, str] = {}
    memory = _Memory(start_bytes=memory_bytes, beside_bytes=beside_bytes)
    for side in SideName:
        own, hidden = _of_version(side, prepared[side], models[side], lanes, memory)
        values |= hidden
        for kind, entries in own.items():
            _add(stack[kind], entries, kind)
    return {kind: entries for kind, entries in stack.items() if entries}, values


def _add(known: dict[str, Any], entries: Mapping[str, Any], kind: str) -> None:
    for name, entry in entries.items():
        if known.setdefault(name, entry) != entry:
            raise UsageError(
                f"The {kind.removesuffix('s')} {name} differs between base and head, and a gate"
                " gives both the same. Make it the same, or give it as a file."
            )


def _of_version(
    side: SideName, version: Prepared, model: WorkerModel, lanes: int, memory: _Memory
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the services and what belongs to them, with names of this version alone."""
    subject = version.subject
    hidden = Hidden(subject.values)
    command = version.commands.get(model.name, tested_document.NO_COMMAND)
    start = tested_document.replica(
        subject.measured,
        memory_bytes=memory.start_bytes,
        command=command,
        variables=hidden.all_of(tested_document.variables_of(model, command)),
    )
    services = {f"{side}-{lane}": start for lane in LANES[:lanes]}
    services |= {service_of(side, part): _needed(side, part, memory) for part in subject.needs}
    own = {
        "services": {
            name: _in_version(service, side, subject) for name, service in services.items()
        },
        "volumes": {
            _own_name(side, name): {**definition, "labels": tested_document.LABELS}
            for name, definition in subject.volumes.items()
        },
        "secrets": dict(subject.secrets),
        "configs": {_own_name(side, name): entry for name, entry in subject.configs.items()},
    }
    # Both versions number their hidden texts from 1.
    prefix = f"TWOFOLD_{side.upper()}_VALUE_"
    text = json.dumps(own).replace(f"${{{VALUE_PREFIX}", f"${{{prefix}")
    renamed = {
        prefix + name.removeprefix(VALUE_PREFIX): value for name, value in hidden.values.items()
    }
    return json.loads(text), renamed


def service_of(side: SideName, part: Part) -> str:
    """Return the name of a service that a version needs; it does not look like a start's."""
    return f"with-{side}-{part.service.removeprefix('with-')}"


def _own_name(side: SideName, name: str) -> str:
    """Return the name of a volume or config that only one version has."""
    return f"{side}-{name}"


def _needed(side: SideName, part: Part, memory: _Memory) -> dict[str, Any]:
    service = tested_document.needed(part, memory_bytes=memory.beside_bytes)
    member = {MEMBER_LABEL: service_of(side, part)}
    return {**service, "labels": {**service["labels"], **member}}


def _in_version(service: dict[str, Any], side: SideName, subject: Subject) -> dict[str, Any]:
    """Return a service in its version's network, with what belongs to its version."""
    hosts = _hosts(service)
    own = {**service, "networks": {side: {"aliases": hosts}} if hosts else [side]}
    names = {part.service: service_of(side, part) for part in subject.needs}
    if "depends_on" in service:
        own["depends_on"] = {names[name]: how for name, how in service["depends_on"].items()}
    if "volumes" in service:
        own["volumes"] = [_volume(entry, side, subject) for entry in service["volumes"]]
    if "configs" in service:
        own["configs"] = [_config(entry, side) for entry in service["configs"]]
    return own


def _hosts(service: Mapping[str, Any]) -> Sequence[str]:
    networks = service["networks"]
    return networks[tested_document.NETWORK]["aliases"] if isinstance(networks, Mapping) else ()


def _volume(entry: Mapping[str, Any], side: SideName, subject: Subject) -> dict[str, Any]:
    if entry.get("type") != "volume" or entry.get("source") not in subject.volumes:
        return dict(entry)
    return {**entry, "source": _own_name(side, str(entry["source"]))}


def _config(entry: Mapping[str, Any] | str, side: SideName) -> dict[str, Any]:
    """Return a config of a service by its version's name; it stays where the user has it."""
    given = entry if isinstance(entry, Mapping) else {"source": entry}
    source = str(given["source"])
    target = given.get("target") or f"/{source}"
    return {**given, "source": _own_name(side, source), "target": target}
