"""Which backend a run uses: the one asked for, or Compose where an engine answers."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.processes import cpu_limits
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.protocol import Backend
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.machine import Machine
from loadtests.tools import docker, host


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A backend, the machine as it sees it, and why it was chosen."""

    backend: Backend
    machine: Machine
    why: str


def choose(asked: str, root: Path) -> Chosen:
    """Choose the backend that was asked for, or with ``auto`` the best that works here."""
    if asked == "compose":
        return _compose(root)
    if asked == "auto":
        try:
            return _compose(root)
        except EnvironmentFailure as error:
            return _processes(root, f"Without Docker ({error})")
    return _processes(root, "as asked for")


def _compose(root: Path) -> Chosen:
    engine = docker.Engine()
    try:
        compose = docker.find_compose()
        machine = docker_machine(engine, compose)
        why = f"Docker {engine.version} and Compose {compose.version} answer"
        return Chosen(backend=ComposeBackend(root), machine=machine, why=why)
    finally:
        engine.close()


def _processes(root: Path, why: str) -> Chosen:
    way = cpu_limits.find("choice")
    machine = host.read_machine(can_budget=way.can_budget)
    return Chosen(backend=ProcessesBackend(root), machine=machine, why=f"{why}; {way.description}")


def docker_machine(engine: docker.Engine, compose: docker.Compose) -> Machine:
    """Give the facts of the machine that the engine runs on."""
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
