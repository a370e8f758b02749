"""Writes the Compose files of a stack, and sets their variables."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.environments import idle_control
from loadtests.environments.compose.images import APP_SERVERS, Images
from loadtests.environments.counters import CONTROL_SERVICE
from loadtests.environments.replica_environment import Settings, settings_of
from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.tested.target import SAMPLE
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import service_parts
from loadtests.servers import entry
from loadtests.servers import registry as servers
from loadtests.tools import files as files_on_disk
from loadtests.tools import postgres

SERVICES = "compose.services.json"
"""The file with one service per worker model, written for each run. JSON is valid YAML."""

TEMPLATE = "replica"
"""The service in compose.yaml that these services extend."""


def files(plan: Plan, root: Path, folder: Path, settings: Settings) -> tuple[Path, ...]:
    """Return the Compose files of a stack: compose.yaml, and a new one with the worker models.

    Each has a service for its replicas, and one for its idle control.

    Raises :class:`~loadtests.model.errors.UsageError` for settings that Compose does not support.
    """
    own = root / "compose/compose.yaml"
    services = with_controls(
        replica_services(plan, own, settings), idle_control.workers_of(plan.workers, SAMPLE)
    )
    return written({"services": services}, root, folder)


def written(document: Mapping[str, Any], root: Path, folder: Path) -> tuple[Path, ...]:
    """Write a stack's services into the run's folder; return the Compose files of the stack."""
    services = folder / SERVICES
    files_on_disk.write(services, json.dumps(document, indent=1), mode=files_on_disk.ONLY_OWNER)
    return (root / "compose/compose.yaml", services)


def replica_services(plan: Plan, own: Path, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return one service per worker model of a plan, which extends the template."""
    return {worker.name: _service(plan, worker, own, settings) for worker in plan.workers}


def _service(plan: Plan, worker: WorkerModel, own: Path, settings: Settings) -> dict[str, Any]:
    container = servers.of(worker).container(worker)
    variables = container.env | common(plan, worker, settings)
    service: dict[str, Any] = {
        "extends": {"file": str(own), "service": TEMPLATE},
        "environment": {name: _escaped(value) for name, value in variables.items()},
    }
    if container.argv:
        service["command"] = [_escaped(word) for word in container.argv]
        service["image"] = f"${{TWOFOLD_APP_SERVERS_IMAGE:-{APP_SERVERS}}}"
    return service


def with_controls(
    services: Mapping[str, dict[str, Any]], workers: Sequence[WorkerModel]
) -> dict[str, dict[str, Any]]:
    """Return services with the idle controls of these worker models beside their replicas.

    A control differs from its replicas by its command, and has none of their variables.
    """
    controls = {}
    for worker in workers:
        words = idle_control.command(
            worker,
            python=entry.IN_IMAGE,
            bind=entry.ALL_ADDRESSES,
            folder=idle_control.IN_CONTAINER,
        )
        command = [_escaped(word) for word in words]
        own = {"command": command, "environment": {}}
        controls[CONTROL_SERVICE + worker.name] = {**services[worker.name], **own}
    return {**services, **controls}


def common(plan: Plan, worker: WorkerModel, settings: Settings) -> dict[str, str]:
    """Return the further variables of a worker model's replicas.

    Raises :class:`~loadtests.model.errors.UsageError` if they differ: the replicas are one service.
    """
    names = [f"{worker.name}-{number}" for number in range(1, plan.replica_counts[-1] + 1)]
    first, *others = [settings_of(name, settings) for name in names]
    if any(other != first for other in others):
        raise UsageError(
            "Under Compose, all replicas of a worker model must have the same variables."
            " Set them for all (`sync-*`), or use --backend processes."
        )
    return first


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def variables(plan: Plan, built: Images, *, run: str) -> dict[str, str]:
    """Return the values of ``${TWOFOLD_…}`` in compose.yaml, with a new password."""
    budget = plan.budget
    generator, proxy = (joined(cores) for cores in service_parts(budget.service_cores))
    values = {
        "TWOFOLD_RUN": run,
        "TWOFOLD_APP_IMAGE": built.app,
        "TWOFOLD_PROXY_IMAGE": built.proxy,
        "TWOFOLD_GENERATOR_IMAGE": built.generator,
        # No CPU limit during the start; see ComposeStack.configure_proxy.
        "TWOFOLD_REPLICA_CPUS": "0",
        "TWOFOLD_REPLICA_CPUSET": "",
        "TWOFOLD_METRONOME_CPUSET": joined(budget.replica_cores),
        "TWOFOLD_GENERATOR_CPUSET": generator,
        "TWOFOLD_PROXY_CPUSET": proxy,
        # Flask's sessions need the same key on every replica; it is worthless after the run.
        "TWOFOLD_SECRET_KEY": f"only for the load test {run}",
    }
    if built.store is not None:
        password = secrets.token_hex(16)
        values |= {
            "TWOFOLD_STORE_IMAGE": built.store,
            "TWOFOLD_STORE_CPUS": "0",
            "TWOFOLD_STORE_CPUSET": joined(budget.store_cores),
            "TWOFOLD_STORE_PASSWORD": password,
            "TWOFOLD_STORE_CONNECTIONS": str(postgres.connections(plan)),
            "TWOFOLD_DATABASE_URL": postgres.url(
                host=Role.STORE, port=postgres.PORT, password=password
            ),
        }
    return values


def joined(cores: Sequence[int]) -> str:
    """Return cores in Docker's format, such as ``0,2,3``."""
    return ",".join(str(core) for core in cores)
