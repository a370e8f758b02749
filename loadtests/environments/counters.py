"""Reads counters and identities of containers, from the kernel or from the engine.

If the engine runs on this machine, the kernel's files give a container's counters in 50 µs. The
engine's own statistics take a second per container and much CPU, so they are used only for engines
on other machines.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role, generator_member, idle_control, is_generator
from loadtests.tools import cgroup, proc

if TYPE_CHECKING:  # Docker's library takes 0.1 s to import, which processes need not wait for
    from loadtests.tools.docker import Container, Engine

NANOSECONDS = 1e9

FRONT_SERVICE = "twofold-front"
"""The service of our project that is the user's own proxy; it stands for ours."""

CONTROL_SERVICE = "twofold-idle-"
"""Begins the service of a worker model's idle control."""

THEIR_PROCESSES_CHANGE = (Role.STORE, Role.PROXY)
"""Members whose processes come and go, though nothing is replaced."""

SPOKEN_TO = frozenset({Role.GENERATOR, Role.METRONOME})


class Counters(Protocol):
    """Counters of a stack's containers. Members that are gone have no entry."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members."""

    def identities(self) -> Mapping[str, str]:
        """Return the identity of each member: its container and processes."""


class KernelCounters:
    """Counters read from the control groups of this machine's kernel."""

    def __init__(self, containers: Mapping[str, Container]) -> None:
        self._containers = containers
        groups = {name: cgroup.group_of(container.pid) for name, container in containers.items()}
        self._groups = {name: group for name, group in groups.items() if group is not None}

    @property
    def complete(self) -> bool:
        """Whether every container's control group is visible."""
        return len(self._groups) == len(self._containers)

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members, each with its own time."""
        readings = []
        for member in members:
            with contextlib.suppress(OSError, KeyError):  # the container is gone
                counters = cgroup.read(self._groups[member])
                role = role_of_container(member, self._containers[member])
                readings.append(reading_of(member, counters, role=role))
        return tuple(readings)

    def identities(self) -> Mapping[str, str]:
        """Return container, start time and process ids of each member.

        A replaced worker or a restart changes the process ids. The generator and the CPU speed
        probe are left out, since the harness starts and stops their processes. So are the store's
        processes, one per connection, the proxy's, whose worker is a new one for each trial, and
        idle controls, which are not measured.
        """
        identities = {}
        for member, container in self._containers.items():
            role = role_of_container(member, container)
            if role in SPOKEN_TO or member not in self._groups or is_control(container):
                continue
            with contextlib.suppress(OSError):
                pids = cgroup.processes(self._groups[member])
                counted_pids = () if role in THEIR_PROCESSES_CHANGE else pids
                identities[member] = " ".join(
                    (_base(container), *(str(pid) for pid in counted_pids))
                )
        return identities


class EngineCounters:
    """Counters from the engine's statistics, for an engine on another machine."""

    def __init__(self, engine: Engine, project: str, containers: Mapping[str, Container]) -> None:
        self._engine = engine
        self._project = project
        self._containers = containers
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(containers)))

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members; takes about a second."""
        present = [member for member in members if member in self._containers]
        answers = self._pool.map(
            lambda member: self._engine.stats(self._containers[member].id), present
        )
        return tuple(
            parse_stats(member, stats, role=role_of_container(member, self._containers[member]))
            for member, stats in zip(present, answers, strict=True)
            if stats is not None and stats["cpu_stats"]["cpu_usage"]["total_usage"]  # still runs
        )

    def identities(self) -> Mapping[str, str]:
        """Return container, start time and image of each member."""
        return {
            member_name(container): _base(container)
            for container in self._engine.containers(self._project)
            if container.running and not is_control(container)
        }


def parse_stats(member: str, stats: Mapping[str, Any], *, role: Role | None = None) -> Reading:
    """Return a reading from the engine's statistics of a container; the name gives its role."""
    cpu = stats["cpu_stats"]
    throttling = cpu.get("throttling_data", {})
    return Reading(
        member=member,
        role=role or role_of(member),
        at_s=datetime.fromisoformat(stats["read"]).timestamp(),
        cpu_s=cpu["cpu_usage"]["total_usage"] / NANOSECONDS,
        periods=throttling.get("periods"),
        throttled_periods=throttling.get("throttled_periods"),
        throttled_s=throttling.get("throttled_time", 0) / NANOSECONDS,
        memory_bytes=stats.get("memory_stats", {}).get("usage"),
    )


def reading_of(member: str, counters: cgroup.Counters, *, role: Role | None = None) -> Reading:
    """Return a reading of a member, with the present time; its name gives its role."""
    return Reading(
        member=member,
        role=role or role_of(member),
        at_s=proc.now_s(),
        cpu_s=counters.cpu_s,
        periods=counters.periods,
        throttled_periods=counters.throttled_periods,
        throttled_s=counters.throttled_s,
        memory_bytes=counters.memory_bytes,
    )


def member_name(container: Container) -> str:
    """Return a container's name in the stack; replicas have a number."""
    if container.service == FRONT_SERVICE:
        return Role.PROXY
    if container.member:
        # A service of the user's may have the name of one of ours.
        return container.service if container.member in set(Role) else container.member
    if is_control(container):
        return idle_control(container.service.removeprefix(CONTROL_SERVICE))
    if container.service in set(Role) - {Role.REPLICA}:
        further = container.service == Role.GENERATOR and container.number > 1
        return generator_member(container.number) if further else container.service
    return f"{container.service}-{container.number}"


def is_control(container: Container) -> bool:
    """Return whether a container is the idle control of a worker model."""
    return container.service.startswith(CONTROL_SERVICE)


def role_of_container(member: str, container: Container) -> Role:
    """Return the role of a container; the services that replicas need are watched as stores."""
    return Role.STORE if container.member else role_of(member)


def role_of(member: str) -> Role:
    """Return the role of a member by its name."""
    if is_generator(member):
        return Role.GENERATOR
    return Role(member) if member in set(Role) else Role.REPLICA


def _base(container: Container) -> str:
    return f"{container.id[:12]} since {container.started_at} of {container.image[:19]}"
