"""This machine as a stack of processes sees it: its programs, its modules and its ports."""

from __future__ import annotations

import sys
from pathlib import Path

from loadtests.environments.processes import addresses, cpu_limits, project, serving
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.protocol import Chosen
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.machine_facts import Nginx, Postgres, ProcessesFacts
from loadtests.model.plan import START_LIMIT_S
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.planning.run_plan import FIRST_PORT
from loadtests.servers import gunicorn
from loadtests.tools import host, nginx, postgres, proc

PROXY_PORTS = range(FIRST_PORT, FIRST_PORT + 40)
"""As many as the default plan needs, with a few to spare."""

PORT_CHECK_HOST = "127.111.111.254" if sys.platform == "linux" else "127.0.0.1"
"""Like the proxy's addresses: only a program that listens on all addresses is in its way."""


def choose(root: Path, tested: Target = SAMPLE, *, start_limit_s: float = START_LIMIT_S) -> Chosen:
    """Give the backend with its machine; a user's application is imported, and described.

    Raises :class:`~loadtests.model.errors.UsageError` if it cannot be imported.
    """
    prepared = (
        project.prepare(tested, start_limit_s=start_limit_s)
        if tested.kind is TargetKind.IMPORT_STRING
        else project.Prepared(tested=tested)
    )
    way = cpu_limits.find("choice")
    machine = host.read_machine(can_budget=way.can_budget)
    backend = ProcessesBackend(root, tested=prepared.tested, lends=prepared.lends)
    return Chosen(backend=backend, machine=machine, why=way.description, tested=prepared.tested)


def look(ports: range) -> ProcessesFacts:
    """Look at what a stack of processes needs; start nothing that stays, and change nothing."""
    way = cpu_limits.find("doctor")
    return ProcessesFacts(
        machine=host.read_machine(can_budget=way.can_budget),
        budgets=way.description,
        nginx=_look_at_nginx(),
        missing_modules=gunicorn.missing_modules(),
        taken_ports=tuple(port for port in ports if not addresses.is_free(PORT_CHECK_HOST, port)),
        postgres=_look_at_postgres(),
        lacking_servers=serving.lacking_servers(),
        pythons=serving.pythons(),
    )


def _look_at_nginx() -> Nginx | None:
    path = nginx.find_program()
    if path is None:
        return None
    try:
        words = proc.run(nginx.version_argv(path)).stderr
        return Nginx(
            path=path, version=nginx.parse_version(words), counts=nginx.COUNTS_MODULE in words
        )
    except ProcessFailure:
        return None  # a program of this name that is none


def _look_at_postgres() -> Postgres | None:
    programs = postgres.find_programs()
    if programs is None:
        return None
    path = str(programs.folder)
    try:
        words = proc.run(postgres.version_argv(programs)).stdout
        version = postgres.parse_version(words)
    except ProcessFailure:
        return None  # programs of these names that are none
    try:
        postgres.check_version(words)
        postgres.owner()
    except EnvironmentFailure as failure:
        return Postgres(path=path, version=version, trouble=str(failure))
    return Postgres(path=path, version=version)
