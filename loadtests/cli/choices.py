"""The names that options may have: every registry's list, for ``--help`` and for the checks."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.config.options import Choices
from loadtests.environments import registry as backends
from loadtests.servers import registry as servers
from loadtests.targets.workloads import WORKLOADS


def of_a_run() -> Choices:
    """Give the names of backends, worker models and workloads, as they are registered now."""
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
    """Give names with what each stands for, as a sentence's list."""
    return ", ".join(f"{name} ({about})" for name, about in names.items())
