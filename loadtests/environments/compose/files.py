"""What Compose is given: the files of a stack, and the variables in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.environments.compose.images import Images
from loadtests.environments.replica_environment import Settings, settings_of
from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import service_parts
from loadtests.servers import registry as servers
from loadtests.tools import postgres

SERVICES = "compose.services.json"
"""The file with a service for each worker model, written for each run. JSON is YAML."""

TEMPLATE = "replica"
"""The service of compose.yaml that these services extend."""


def files(plan: Plan, root: Path, folder: Path, settings: Settings) -> tuple[Path, ...]:
    """Give the Compose files of a stack: ours, and one made with a service for each worker model.

    Raises :class:`~loadtests.model.errors.UsageError` for settings that Compose cannot give.
    """
    own = root / "compose/compose.yaml"
    services = folder / SERVICES
    services.write_text(json.dumps({"services": replica_services(plan, own, settings)}, indent=1))
    return (own, services)


def replica_services(plan: Plan, own: Path, settings: Settings) -> dict[str, dict[str, Any]]:
    """Give a service for each worker model of a plan: the template, with what its server needs."""
    return {worker.name: _service(plan, worker, own, settings) for worker in plan.workers}


def _service(plan: Plan, worker: WorkerModel, own: Path, settings: Settings) -> dict[str, Any]:
    container = servers.server_of(worker.name).container(worker)
    names = [f"{worker.name}-{number}" for number in range(1, plan.replica_counts[-1] + 1)]
    variables = container.env | _common([settings_of(name, settings) for name in names])
    service: dict[str, Any] = {
        "extends": {"file": str(own), "service": TEMPLATE},
        "environment": {name: _escaped(value) for name, value in variables.items()},
    }
    if container.argv:
        service["command"] = [_escaped(word) for word in container.argv]
    return service


def _common(replicas: Sequence[dict[str, str]]) -> dict[str, str]:
    """Give the variables that all replicas have; raise where they differ: they are one service."""
    first, *others = replicas
    if any(other != first for other in others):
        raise UsageError(
            "Replicas of one worker model cannot have different variables under Compose."
            " Give them to all (`sync-*`), or use the backend processes."
        )
    return first


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def variables(plan: Plan, built: Images, *, run: str) -> dict[str, str]:
    """Give what stands for each ``${TWOFOLD_…}`` in compose.yaml; the password is a new one."""
    budget = plan.budget
    generator, proxy = (joined(cores) for cores in service_parts(budget.service_cores))
    values = {
        "TWOFOLD_RUN": run,
        "TWOFOLD_APP_IMAGE": built.app,
        "TWOFOLD_PROXY_IMAGE": built.proxy,
        "TWOFOLD_GENERATOR_IMAGE": built.generator,
        # Nothing holds the replicas back while they start; see ComposeStack.configure_proxy.
        "TWOFOLD_REPLICA_CPUS": "0",
        "TWOFOLD_REPLICA_CPUSET": "",
        "TWOFOLD_METRONOME_CPUSET": joined(budget.replica_cores),
        "TWOFOLD_GENERATOR_CPUSET": generator,
        "TWOFOLD_PROXY_CPUSET": proxy,
        # The same on every replica, as Flask's sessions need it; of no worth beyond the run.
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
    """Give cores as Docker wants them."""
    return ",".join(str(core) for core in cores)
