"""The valid values of options, from all registries, for ``--help`` and for checks."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.config.file.known import BuiltIn, Known, Limits
from loadtests.config.options import Choices
from loadtests.environments import registry as backends
from loadtests.model.tested.project import Project
from loadtests.model.tested.variables import path_without_secrets
from loadtests.servers import registry as servers
from loadtests.targets.workloads import WORKLOADS


def of_a_run(project: Project | None = None) -> Choices:
    """Return the backends, and the worker models and workloads of a project or the registered."""
    if project is not None:
        return Choices(
            backends=backends.names(),
            workers={name: model.server for name, model in project.workers.items()},
            workloads={
                name: path_without_secrets(workload.path)
                for name, workload in project.workloads.items()
            },
        )
    return Choices(
        backends=backends.names(),
        workers={
            worker.name: server.name
            for server in servers.SERVERS.values()
            for worker in server.worker_models
        },
        workloads={workload.name: workload.about for workload in WORKLOADS.values()},
    )


def known() -> Known:
    """Return the registered names that a configuration file is checked against."""
    return Known(
        backends=tuple(backends.names()),
        servers={
            server.name: tuple(model.mode or model.name for model in server.worker_models)
            for server in servers.SERVERS.values()
            if server.worker_models  # a command of the user's own is named by its key
        },
        limits={
            server.name: Limits(
                most_processes=server.most_processes,
                one_thread=server.one_thread,
                other_kinds=server.other_kinds,
            )
            for server in servers.SERVERS.values()
        },
        variants=tuple(servers.worker_models()),
        built_in={
            name: BuiltIn(server=model.server, worker=model.mode or name)
            for name, model in servers.worker_models().items()
        },
        workloads=tuple(WORKLOADS),
    )


def default_workers() -> str:
    """Return the worker models that are measured where none is named, with commas."""
    return ",".join(servers.default_models())


def described(names: Mapping[str, str]) -> str:
    """Return names with their descriptions, as one line."""
    return ", ".join(f"{name} ({about})" for name, about in names.items())
