"""Reads the state of the Docker engine and the facts of its machine."""

from __future__ import annotations

import errno
import os
import platform
import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.compose.projects import dead_projects
from loadtests.environments.compose.tested import inspection
from loadtests.environments.protocol import Chosen
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.machine import Machine
from loadtests.model.machine_facts import Engine, EngineState
from loadtests.model.tested.target import SAMPLE, Target
from loadtests.tools import docker, docker_compose, host, proc
from loadtests.tools.docker import connection


def choose(root: Path, tested: Target = SAMPLE) -> Chosen:
    """Return the backend and its machine, and the target as its image or Compose file has it.

    Raises if Docker or Compose does not answer, or :class:`~loadtests.model.errors.UsageError` if
    the target cannot be used as it is.
    """
    with closing(docker.Engine()) as engine:
        compose = docker_compose.find_compose()
        subject = inspection.inspect(tested, engine, compose)
        machine = docker_machine(engine, compose)
        why = f"Docker {engine.version} and Compose {compose.version} answer"
    seen = inspection.seen(tested, subject)
    return Chosen(
        backend=ComposeBackend(root, tested=seen, subject=subject),
        machine=machine,
        why=why,
        tested=seen,
        lock=lock_scope(),
    )


def lock_scope() -> str:
    """Return what only one run at a time may measure on: the engine, if it is not here."""
    return "" if docker.is_local() else connection.address_of()


def docker_machine(engine: docker.Engine, compose: docker_compose.Compose) -> Machine:
    """Return the facts of the engine's machine."""
    facts = engine.facts()
    can_budget, can_pin = bool(facts.get("CpuCfsQuota")), bool(facts.get("CPUSet"))
    engine_version = f"Docker {engine.version}"
    if docker.is_local():
        machine = host.read_machine(
            can_budget=can_budget, engine=engine_version, compose=compose.version
        )
        return replace(machine, can_pin=can_pin)
    cores = int(facts["NCPU"])
    return Machine(
        cores=cores,
        core_ids=tuple(range(cores)),
        memory_bytes=int(facts["MemTotal"]),
        cpu_model=str(facts.get("Architecture", "?")),
        system=f"{facts.get('OperatingSystem', '?')} {facts.get('KernelVersion', '')}".strip(),
        python=platform.python_version(),
        cgroup=f"v{facts.get('CgroupVersion', '1')}",
        can_budget=can_budget,
        can_pin=can_pin,
        engine=engine_version,
        compose=compose.version,
    )


def look() -> Engine:
    """Return the state of the engine that ``docker`` uses, and what it offers."""
    try:
        return look_at(connection.address_of())
    except EnvironmentFailure as failure:  # a context that does not exist
        compose = _compose()
        version = compose.version if compose else None
        return Engine(state=EngineState.DOWN, detail=str(failure), compose_version=version)


def look_at(address: str) -> Engine:
    """Return the state of the engine at an address, and what it offers."""
    compose = _compose()
    version = compose.version if compose else None
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        error = _connect_error(path)
        if error is not None:
            detail = f"{path}: {os.strerror(error)}"
            return Engine(state=_state(error), detail=detail, compose_version=version)
    try:
        with closing(docker.Engine()) as engine:
            return Engine(
                state=EngineState.ANSWERS,
                detail=engine.version,
                compose_version=version,
                machine=docker_machine(engine, compose) if compose else None,
                leftovers=dead_projects(engine),
            )
    except EnvironmentFailure as failure:
        return Engine(state=EngineState.DOWN, detail=str(failure), compose_version=version)


def _connect_error(path: str) -> int | None:
    with closing(socket.socket(socket.AF_UNIX)) as attempt:
        try:
            attempt.connect(path)
        except OSError as error:
            return error.errno or errno.EIO
    return None


def _state(error: int) -> EngineState:
    if error in {errno.EACCES, errno.EPERM}:
        return EngineState.DENIED
    if error == errno.ENOENT and proc.which("docker") is None:
        return EngineState.ABSENT
    return EngineState.DOWN


def _compose() -> docker_compose.Compose | None:
    try:
        return docker_compose.find_compose()
    except EnvironmentFailure:
        return None
