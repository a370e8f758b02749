"""The Compose file of a stack with the user's services, as it lies in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from loadtests.environments.compose.files import common
from loadtests.environments.compose.tested.compose_file.resources import is_limit, size_of
from loadtests.environments.compose.tested.hidden import Hidden, escaped
from loadtests.environments.compose.tested.subject import NO_RESTART, Part, Subject
from loadtests.environments.replica_environment import IMPORT_PATH, Settings, joined_places
from loadtests.model.plan import Plan, WorkerModel
from loadtests.servers.server import Command
from loadtests.tools.docker import MEMBER_LABEL, OWNER_LABEL, RUN_LABEL

LABELS = {RUN_LABEL: "${TWOFOLD_RUN}", OWNER_LABEL: "${TWOFOLD_OWNER:-}"}
NETWORK = "stack"
FRONT_NETWORK = "through"
"""Where the user's own proxy finds the replicas of the present cell by their name."""

NO_COMMAND = Command(argv=(), env={})
NO_COMMANDS: Mapping[str, Command] = MappingProxyType({})
NO_IMAGES: Mapping[str, str] = MappingProxyType({})

PIDS_LIMIT = 4096
"""Most processes and threads of a user's container: far more than servers have, which are some
hundred, and far fewer than a machine has numbers for (32,768 at least)."""

MEMORY_LIMITS = ("mem_limit", "memswap_limit")

GRACE = "2s"
LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "1"}}
"""The engine has to be able to read a log back. It is larger than ours: it may hold tracebacks."""


def document(
    subject: Subject,
    plan: Plan,
    *,
    memory_bytes: int,
    beside_bytes: int,
    settings: Settings,
    commands: Mapping[str, Command] = NO_COMMANDS,
    images: Mapping[str, str] = NO_IMAGES,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the services of a stack, and the variables that Compose needs beside them.

    ``memory_bytes`` limits a replica whose definition has no limit, and ``beside_bytes`` another
    service. ``settings`` are further variables of replicas. ``commands`` start the variants, by
    name; without one, the image starts itself. ``images`` are those of variants with an image of
    their own, by name.
    """
    hidden = Hidden(subject.values)
    measured = subject.measured
    if subject.front is not None:
        measured = replace(measured, hosts=())  # their names are those of the present cell's alone
    services = {}
    for worker in plan.workers:
        command = commands.get(worker.name, NO_COMMAND)
        variables = {**variables_of(worker, command), **common(plan, worker, settings)}
        services[worker.name] = replica(
            replace(measured, image=images.get(worker.name, measured.image)),
            memory_bytes=memory_bytes,
            command=command,
            variables=hidden.all_of(variables),
        )
    services |= {part.service: needed(part, memory_bytes=beside_bytes) for part in subject.needs}
    if subject.front is not None:
        services[subject.front.service] = _front(subject.front, memory_bytes=beside_bytes)
        for part in subject.needs:
            _join(services[part.service], part)
    volumes = {
        name: {**definition, "labels": LABELS} for name, definition in subject.volumes.items()
    }
    shared = {
        "volumes": volumes,
        "secrets": dict(subject.secrets),
        "configs": dict(subject.configs),
    }
    if subject.front is not None:
        shared["networks"] = {FRONT_NETWORK: {"internal": True, "labels": LABELS}}
    filled = {key: value for key, value in shared.items() if value}
    return {"services": services, **filled}, hidden.values


def variables_of(worker: WorkerModel, command: Command) -> dict[str, str]:
    """Return a variant's own variables, without those to which its command adds something.

    Import paths stay: :func:`replica` joins them.
    """
    return {
        name: value
        for name, value in worker.env.items()
        if name == IMPORT_PATH or command.env.get(name, value) == value
    }


def replica(
    part: Part,
    *,
    memory_bytes: int,
    command: Command = NO_COMMAND,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the service of a measured part's replicas; see :func:`document`."""
    service = _service(part, memory_bytes)
    given, own = service.get("environment", {}), escaped(command.env)
    service["environment"] = {**given, **own, **variables}
    if IMPORT_PATH in own:
        service["environment"][IMPORT_PATH] = joined_places(
            *(values.get(IMPORT_PATH) for values in (own, variables, given))
        )
    if command.argv:
        service["command"] = escaped(command.argv)
    service["healthcheck"] = {"disable": True}
    # No limits of CPU while it starts; see ComposeStack.configure_proxy.
    return {**service, "cpus": "0", "cpuset": ""}


def needed(part: Part, *, memory_bytes: int) -> dict[str, Any]:
    """Return the service of a part that the replicas need; see :func:`document`."""
    service = _service(part, memory_bytes)
    labels = {**LABELS, MEMBER_LABEL: part.name}
    return {**service, "restart": part.restart, "labels": labels}


def _front(part: Part, *, memory_bytes: int) -> dict[str, Any]:
    service = {**_service(part, memory_bytes), "cpuset": "${TWOFOLD_PROXY_CPUSET:-}"}
    _join(service, part)
    return service


def _join(service: dict[str, Any], part: Part) -> None:
    """Put a service into the network of the user's proxy, too, under the same names."""
    names = {"aliases": list(part.hosts)}
    service["networks"] = {NETWORK: names, FRONT_NETWORK: names}


def _service(part: Part, memory_bytes: int) -> dict[str, Any]:
    return {
        **_limited(part.definition, memory_bytes),
        "image": part.image,
        "restart": NO_RESTART,
        "stop_grace_period": GRACE,
        "networks": {NETWORK: {"aliases": list(part.hosts)}} if part.hosts else [NETWORK],
        "logging": LOGGING,
        "labels": LABELS,
    }


def _limited(definition: Mapping[str, Any], memory_bytes: int) -> dict[str, Any]:
    """Return a definition with limits of memory and processes where the user has none.

    An engine refuses a limit below the reservation (``mem_reservation``), so it is not lower.
    """
    limited = dict(definition)
    if not is_limit(limited.get("pids_limit")):
        limited["pids_limit"] = PIDS_LIMIT
    if not any(is_limit(limited.get(key)) for key in MEMORY_LIMITS):
        limited.pop("memswap_limit", None)  # -1 takes all the swap
        limited["mem_limit"] = str(max(memory_bytes, size_of(limited.get("mem_reservation"))))
    return limited
