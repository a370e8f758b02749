"""The valid values of options, from all registries, for ``--help`` and for checks."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.config.options import Choices
from loadtests.environments import registry as backends
from loadtests.servers import registry as servers
from loadtests.targets.workloads import WORKLOADS


def of_a_run() -> Choices:
    """Return the registered backends, worker models and workloads."""
    return Choices(
        backends=backends.names(),
        workers={
            worker.name: server.name
            for server in servers.SERVERS.values()
            for worker in server.worker_models
        },
        workloads={workload.name: workload.about for workload in WORKLOADS.values()},
    )


def described(names: Mapping[str, str]) -> str:
    """Return names with their descriptions, as one line."""
    return ", ".join(f"{name} ({about})" for name, about in names.items())
