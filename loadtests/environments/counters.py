"""The counters and identities of containers, from the kernel or, far away, from the engine.

Where the engine runs on this machine, the kernel's files give a container's counters in 50 µs.
The engine's own statistics take a second a container and an engine's CPU (measured with 20.10), so
they are for engines on another machine only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role
from loadtests.tools import cgroup, proc

if TYPE_CHECKING:  # Docker's library takes 0.1 s to import, which processes need not wait for
    from loadtests.tools.docker import Container, Engine

NANOSECONDS = 1e9

SPOKEN_TO = frozenset({Role.GENERATOR, Role.METRONOME})


class Counters(Protocol):
    """What can be asked of the containers of a stack. Members that are gone have no entry."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now."""

    def identities(self) -> Mapping[str, str]:
        """Give what each member is: the container, and the processes in it."""


class KernelCounters:
    """Counters read from the control groups of this machine's kernel."""

    def __init__(self, containers: Mapping[str, Container]) -> None:
        self._containers = containers
        groups = {name: cgroup.group_of(container.pid) for name, container in containers.items()}
        self._groups = {name: group for name, group in groups.items() if group is not None}

    @property
    def complete(self) -> bool:
        """Whether every container's group is visible from here."""
        return len(self._groups) == len(self._containers)

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now, each with its own moment."""
        readings = []
        for member in members:
            with contextlib.suppress(OSError, KeyError):  # the container is gone
                readings.append(reading_of(member, cgroup.read(self._groups[member])))
        return tuple(readings)

    def identities(self) -> Mapping[str, str]:
        """Give container, start and the numbers of the processes in it.

        A worker that died and was replaced changes the numbers, as a restart of all does. Who is
        spoken to is left out: which processes those have depends on what the harness does. So are
        the store's processes, of which it starts one for each connection.
        """
        identities = {}
        for member, container in self._containers.items():
            if role_of(member) in SPOKEN_TO or member not in self._groups:
                continue
            with contextlib.suppress(OSError):
                pids = cgroup.processes(self._groups[member])
                shown = pids if role_of(member) is not Role.STORE else ()
                identities[member] = " ".join((_base(container), *(str(pid) for pid in shown)))
        return identities


class EngineCounters:
    """Counters as the engine tells them, for one that is not on this machine."""

    def __init__(self, engine: Engine, project: str, containers: Mapping[str, Container]) -> None:
        self._engine = engine
        self._project = project
        self._containers = containers
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(containers)))

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Ask for the counters of these members, all at once; about a second."""
        known = [member for member in members if member in self._containers]
        answers = self._pool.map(
            lambda member: self._engine.stats(self._containers[member].id), known
        )
        return tuple(
            parse_stats(member, stats)
            for member, stats in zip(known, answers, strict=True)
            if stats is not None and stats["cpu_stats"]["cpu_usage"]["total_usage"]  # still runs
        )

    def identities(self) -> Mapping[str, str]:
        """Give container, start and image of each member."""
        return {
            member_name(each): _base(each)
            for each in self._engine.containers(self._project)
            if each.running
        }


def parse_stats(member: str, stats: Mapping[str, Any]) -> Reading:
    """Read what is needed out of the engine's statistics of a container."""
    cpu = stats["cpu_stats"]
    throttling = cpu.get("throttling_data", {})
    return Reading(
        member=member,
        role=role_of(member),
        at_s=datetime.fromisoformat(stats["read"]).timestamp(),
        cpu_s=cpu["cpu_usage"]["total_usage"] / NANOSECONDS,
        periods=throttling.get("periods"),
        throttled_periods=throttling.get("throttled_periods"),
        throttled_s=throttling.get("throttled_time", 0) / NANOSECONDS,
        memory_bytes=stats.get("memory_stats", {}).get("usage"),
    )


def reading_of(member: str, counters: cgroup.Counters) -> Reading:
    """Give the counters that a member has now as its reading."""
    return Reading(
        member=member,
        role=role_of(member),
        at_s=proc.now_s(),
        cpu_s=counters.cpu_s,
        periods=counters.periods,
        throttled_periods=counters.throttled_periods,
        throttled_s=counters.throttled_s,
        memory_bytes=counters.memory_bytes,
    )


def member_name(container: Container) -> str:
    """Give a container's name in the stack: replicas are numbered, the others are alone."""
    if container.service in set(Role) - {Role.REPLICA}:
        return container.service
    return f"{container.service}-{container.number}"


def role_of(member: str) -> Role:
    """Give the role of a member by its name."""
    return Role(member) if member in set(Role) else Role.REPLICA


def _base(container: Container) -> str:
    return f"{container.id[:12]} since {container.started_at} of {container.image[:19]}"
